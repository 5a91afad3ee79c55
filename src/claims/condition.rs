//! Conditions on a token's claims, with which a preset distinguishes kinds of tokens.

use super::{
    pointer::Pointer,
    tree::{Object, Value},
};

/// A condition on the claims. A claim that is `null` counts as absent.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// Every one of these conditions holds.
    All(Vec<Self>),
    /// Holds for all claims.
    Always,
    /// The claim is a string with this suffix.
    EndsWith(Pointer, &'static str),
    /// The claim is present.
    Has(Pointer),
    /// The claim is one of these strings.
    Is(Pointer, &'static [&'static str]),
    /// The other condition does not hold.
    Not(Box<Self>),
    /// The claim is a string with this prefix.
    StartsWith(Pointer, &'static str),
    /// The claim is JSON `true`.
    True(Pointer),
}

impl Condition {
    pub(crate) fn has(pointer: &str) -> Self {
        Self::Has(Pointer::new(pointer))
    }

    pub(crate) fn is(pointer: &str, values: &'static [&'static str]) -> Self {
        Self::Is(Pointer::new(pointer), values)
    }

    pub(crate) fn not(other: Self) -> Self {
        Self::Not(Box::new(other))
    }

    pub(crate) fn holds(&self, claims: &Object<'_>) -> bool {
        let text = |pointer: &Pointer, fits: &dyn Fn(&str) -> bool| {
            pointer
                .find(claims)
                .and_then(Value::as_str)
                .is_some_and(fits)
        };
        match self {
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(claims)),
            Self::Always => true,
            Self::EndsWith(pointer, end) => text(pointer, &|value| value.ends_with(end)),
            Self::Has(pointer) => pointer.find(claims).is_some(),
            Self::Is(pointer, values) => text(pointer, &|value| values.contains(&value)),
            Self::Not(condition) => !condition.holds(claims),
            Self::StartsWith(pointer, start) => text(pointer, &|value| value.starts_with(start)),
            Self::True(pointer) => pointer.find(claims) == Some(&Value::Bool(true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_read_claims_by_type() {
        let claims =
            Object::parse(br#"{"a":"service-x","yes":true,"text":"true","n":null,"i":1}"#).unwrap();
        let at = Pointer::new;
        for (condition, holds) in [
            (Condition::Always, true),
            (Condition::has("/a"), true),
            (Condition::has("/i"), true),
            (Condition::has("/n"), false),
            (Condition::has("/missing"), false),
            (Condition::is("/a", &["b", "service-x"]), true),
            (Condition::is("/a", &["b"]), false),
            (Condition::is("/i", &["1"]), false),
            (Condition::StartsWith(at("/a"), "service-"), true),
            (Condition::StartsWith(at("/a"), "x"), false),
            (Condition::EndsWith(at("/a"), "-x"), true),
            (Condition::EndsWith(at("/a"), "service"), false),
            (Condition::True(at("/yes")), true),
            (Condition::True(at("/text")), false),
            (Condition::not(Condition::has("/n")), true),
            (
                Condition::All(vec![Condition::has("/a"), Condition::has("/n")]),
                false,
            ),
            (
                Condition::All(vec![Condition::has("/a"), Condition::has("/i")]),
                true,
            ),
        ] {
            assert_eq!(condition.holds(&claims), holds, "{condition:?}");
        }
    }
}
