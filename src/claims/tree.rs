//! A strict JSON tree that borrows from the decoded token.
//!
//! Header and claims are parsed once, into this tree. `serde_json::Value` would copy every string,
//! and would keep the last of two members with the same name. RFC 7519 section 4 allows refusing
//! such a document; otherwise two parsers that choose different members would read two meanings
//! from one token.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};

/// The only key of the map in which serde_json passes a number if a crate of the application
/// enables `arbitrary_precision`.
const ARBITRARY_PRECISION: &str = "$serde_json::private::Number";

/// The number of members up to which comparing all pairs is faster than sorting.
const FEW_MEMBERS: usize = 16;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(f64),
    String(Cow<'a, str>),
    Array(Vec<Self>),
    Object(Object<'a>),
}

/// The members of a JSON object, in order and with unique names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Object<'a> {
    /// Parses a document that consists of one object.
    pub(crate) fn parse(json: &'a [u8]) -> Result<Self, serde_json::Error> {
        // Checks UTF-8 once for the document instead of once for each string.
        let json = str::from_utf8(json).map_err(serde_json::Error::custom)?;
        match serde_json::from_str(json)? {
            Value::Object(object) => Ok(object),
            _ => Err(serde_json::Error::custom("not an object")),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.0
            .iter()
            .find_map(|(member, value)| (member == name).then_some(value))
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    fn has_duplicates(&self) -> bool {
        if self.0.len() <= FEW_MEMBERS {
            return self
                .0
                .iter()
                .enumerate()
                .any(|(index, (name, _))| self.0[..index].iter().any(|(other, _)| other == name));
        }
        let mut names: Vec<&str> = self.names().collect();
        names.sort_unstable();
        names.windows(2).any(|pair| pair[0] == pair[1])
    }
}

impl<'a> Value<'a> {
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate member names")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Value::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Value::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Value::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut object = Object::default();
        while let Some(Name(name)) = members.next_key()? {
            object.0.push((name, members.next_value()?));
        }
        if let [(name, Value::String(digits))] = object.0.as_slice()
            && name == ARBITRARY_PRECISION
        {
            return digits.parse().map(Value::Number).map_err(A::Error::custom);
        }
        if object.has_duplicates() {
            return Err(A::Error::custom("duplicate member name"));
        }
        Ok(Value::Object(object))
    }
}

/// The name of a member, borrowed if it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(NameVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_names_are_refused_at_every_level() {
        for json in [
            r#"{"sub":"a","sub":"b"}"#,
            r#"{"sub":"a","\u0073ub":"b"}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
        ] {
            assert!(Object::parse(json.as_bytes()).is_err(), "{json}");
        }
        let many: Vec<String> = (0..40).map(|n| format!("\"c{n}\":{n}")).collect();
        let unique = format!("{{{}}}", many.join(","));
        assert!(Object::parse(unique.as_bytes()).is_ok());
        let twice = format!("{{{},\"c7\":0}}", many.join(","));
        assert!(Object::parse(twice.as_bytes()).is_err());
    }

    #[test]
    fn a_document_that_is_not_one_object_is_refused() {
        for json in [
            "",
            "null",
            "[]",
            "\"a\"",
            "1",
            "{",
            "{}{}",
            "{\"a\":1e400}",
            "{\"a\":NaN}",
            "\u{feff}{}",
            "{\"a\":\"\\ud800\"}",
        ] {
            assert!(Object::parse(json.as_bytes()).is_err(), "{json:?}");
        }
        assert!(Object::parse(b"{\"a\":\"\xff\"}").is_err());
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(Object::parse(deep.as_bytes()).is_err());
    }

    #[test]
    fn strings_without_escapes_are_borrowed() {
        let object = Object::parse(br#"{"plain":"value","escaped":"a\nb"}"#).unwrap();
        assert!(matches!(
            object.get("plain"),
            Some(Value::String(Cow::Borrowed("value")))
        ));
        assert!(matches!(
            object.get("escaped"),
            Some(Value::String(Cow::Owned(_)))
        ));
    }
}
