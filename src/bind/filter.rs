//! What the options of several functions have in common.

use serde::de::{Deserialize, Deserializer, Error};

/// The number of a port: 1 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port(u16);

impl Port {
    /// The number.
    pub fn number(self) -> u16 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let given = serde_json::Value::deserialize(from)?;
        match given.as_u64().and_then(|number| u16::try_from(number).ok()) {
            Some(number @ 1..) => Ok(Self(number)),
            _ => Err(D::Error::custom(format!("{given} is no port; ports are 1 to 65535"))),
        }
    }
}

/// Which way requests go, seen from the proxy's own workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To it.
    Inbound,
    /// From it.
    Outbound,
}

impl Direction {
    const ALL: [(&'static str, Self); 2] = [("inbound", Self::Inbound), ("outbound", Self::Outbound)];

    fn of(word: &str) -> Option<Self> {
        // Of clusters there are `inbound-vip` ones, too.
        Self::ALL.iter().find(|(known, _)| word.to_ascii_lowercase().starts_with(known)).map(|(_, direction)| *direction)
    }

    /// Whether a word means this direction.
    pub fn is(self, word: &str) -> bool {
        Self::of(word) == Some(self)
    }
}

impl<'de> Deserialize<'de> for Direction {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let given = serde_json::Value::deserialize(from)?;
        let known = |word: &str| Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, found)| *found);
        given
            .as_str()
            .and_then(known)
            .ok_or_else(|| D::Error::custom(format!("{given} is no direction; directions are inbound and outbound")))
    }
}

/// Whether a text is what is wanted, in any case; everything is, when nothing is wanted.
pub fn same(wanted: &Option<String>, text: &str) -> bool {
    wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_has_a_range() {
        assert_eq!(serde_json::from_str::<Port>("65535").unwrap().number(), 65535);
        for wrong in ["0", "65536", "-1", "1.5", "\"http\"", "[80]"] {
            let error = serde_json::from_str::<Port>(wrong).unwrap_err().to_string();
            assert!(error.contains(wrong.trim_matches('"')) && error.contains("1 to 65535"), "{error}");
        }
    }

    #[test]
    fn a_direction_is_one_of_two() {
        let inbound: Direction = serde_json::from_str("\"INBOUND\"").unwrap();
        assert!(inbound.is("inbound-vip") && inbound.is("Inbound") && !inbound.is("outbound") && !inbound.is(""));
        assert!(serde_json::from_str::<Direction>("\"inbound-vip\"").is_err());
    }

    #[test]
    fn text_is_the_same_in_any_case() {
        assert!(same(&None, "x") && same(&Some("Ab".into()), "aB") && !same(&Some("a".into()), "ab"));
    }
}
