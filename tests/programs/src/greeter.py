"""Calls the greeter with the official gRPC implementation and prints the results as JSON.

The few messages are encoded by hand, without generated code or the protobuf package.
"""

import json
import sys

import grpc

HELLO = b"\x0a\x05hello"
THREE = b"\x08\x03"

address, ana, counting, down = sys.argv[1:]
channel = grpc.insecure_channel(address)
greet = channel.unary_unary("/greeter.v1.Greeter/Greet")
count = channel.unary_stream("/greeter.v1.Greeter/Count")


def metadata(*tokens):
    return [("authorization", token) for token in tokens]


def greeted(*tokens):
    reply = greet(HELLO, metadata=metadata(*tokens), timeout=30)
    assert reply[:1] == b"\x0a" and reply[1] == len(reply) - 2, reply
    return reply[2:].decode()


def refused(call, *tokens):
    try:
        reply = call(*tokens)
    except grpc.RpcError as error:
        trailing = error.trailing_metadata() or ()
        assert not any(key.startswith("grpc-") for key, _ in trailing), trailing
        return {"code": error.code().value[0], "message": error.details()}
    raise SystemExit(f"not refused: {reply!r}")


def counted(*tokens):
    replies = count(THREE, metadata=metadata(*tokens), timeout=30)
    return [reply[1] for reply in replies]


print(
    json.dumps(
        {
            "greeted": greeted(ana),
            "counted": counted(counting),
            "missing": refused(greeted),
            "two": refused(greeted, ana, ana),
            "garbage": refused(greeted, "Bearer garbage"),
            "no scope": refused(counted, ana),
            "down": refused(greeted, down),
            "again": greeted(ana),
        }
    )
)
