//! Detection of RSA keys made by Infineon's RSALib, whose private key can be computed from the
//! public one (CVE-2017-15361, "ROCA").
//!
//! The library chose primes of the form `k * M + (65537^a mod M)`, with `M` the product of the first
//! primes: 126 of them for keys from 1984 bits on, more for longer ones. A modulus made of two such
//! primes is a power of 65537 modulo `M`, and so modulo every prime in `M`. Nemec, Sys, Svenda,
//! Klinec and Matyas, "The Return of Coppersmith's Attack", CCS 2017, sections 2 and 5.

/// The last of the first 126 primes.
const LAST_PRIME: u32 = 701;

/// Returns whether a modulus of at least 1984 bits, big-endian, has the fingerprint. A modulus of
/// another origin has it with a probability of 2^-167.
pub(super) fn is_fingerprinted(modulus: &[u8]) -> bool {
    (3..=LAST_PRIME)
        .filter(|number| is_odd_prime(*number))
        .all(|prime| {
            let remainder = modulus.iter().fold(0, |remainder, byte| {
                (remainder * 256 + u32::from(*byte)) % prime
            });
            powers_of_65537(prime).any(|power| power == remainder)
        })
}

fn is_odd_prime(number: u32) -> bool {
    number % 2 == 1
        && (3..)
            .step_by(2)
            .take_while(|divisor| divisor * divisor <= number)
            .all(|divisor| !number.is_multiple_of(divisor))
}

/// Returns the subgroup that 65537 generates modulo `prime`, which does not divide 65537.
fn powers_of_65537(prime: u32) -> impl Iterator<Item = u32> {
    let next = move |power: &u32| Some(power * (65_537 % prime) % prime).filter(|next| *next != 1);
    std::iter::successors(Some(1), next)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    /// The key of Wycheproof's `rejectsKeyWithRocaVulnerability`.
    const WEAK: &str = "AanFpofbj7KjD4Lf-N2hVMKR7yewSyXhhbirIMTGpfYEhZ_lnt5UoK98DnKIgArXGTu3MaW_HhFw16HGaTDUHqPrId7fe4r11CqRw09yBFuW79V8sYIwHdzCaWflUI6auImYbVfoN9_nD5n8N8SY9DwXw7mwZM9wREPXoDPgOoIWl6q_MPsp7n0zs3Z5ZaiQWOOzl1S9OhwAfSiiOwz6efnXEaxuTEtPd7BjSx7NaFka8Dx9U7YqXy2RFj1O9PjyaDGuRh7YXsX3iMUSP_wSyHQg_c_qHRtKUsNSGCT7OZg0hzm2KphtjnayKJvC64vAbROBR4Ubg6Bxg9IQVZ-QYyE";

    /// The key of RFC 7515 appendix A.2.
    const HONEST: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

    #[test]
    fn a_modulus_from_rsalib_is_detected_and_another_is_not() {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        assert!(is_fingerprinted(&bytes(WEAK)));
        assert!(!is_fingerprinted(&bytes(HONEST)));
    }

    #[test]
    fn one_prime_that_does_not_fit_is_enough_to_accept_a_modulus() {
        // Adding 2 leaves the modulus odd and changes its remainder by every prime.
        let mut modulus = URL_SAFE_NO_PAD.decode(WEAK).unwrap();
        *modulus.last_mut().unwrap() += 2;
        assert!(!is_fingerprinted(&modulus));
        // 1 is a power of 65537 modulo every prime.
        assert!(is_fingerprinted(&[1]));
    }

    #[test]
    fn the_first_126_primes_are_checked() {
        let odd = (3..=LAST_PRIME).filter(|number| is_odd_prime(*number));
        assert_eq!(odd.count(), 125);
    }
}
