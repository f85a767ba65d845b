//! A span of time, as scripts write it: seconds as a number, or `"10m"`, `"1h30m"`, `"2d"`.

use serde::de::{Deserialize, Deserializer, Error as _};

/// So many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since(pub i64);

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no span of time: write seconds, or \"30s\", \"10m\", \"1h30m\", \"2d\"");
        let text = text.trim();
        if let Ok(seconds) = text.parse::<i64>() {
            return if seconds > 0 { Ok(Self(seconds)) } else { Err(wrong()) };
        }
        let mut total: i64 = 0;
        let mut digits = String::new();
        for sign in text.chars() {
            let unit = match sign {
                '0'..='9' => {
                    digits.push(sign);
                    continue;
                }
                's' => 1,
                'm' => 60,
                'h' => 3600,
                'd' => 86400,
                _ => return Err(wrong()),
            };
            let count: i64 = std::mem::take(&mut digits).parse().map_err(|_| wrong())?;
            total = count.checked_mul(unit).and_then(|span| total.checked_add(span)).ok_or_else(wrong)?;
        }
        if total > 0 && digits.is_empty() { Ok(Self(total)) } else { Err(wrong()) }
    }
}

impl<'de> Deserialize<'de> for Since {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Written {
            Seconds(i64),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Seconds(seconds) => seconds.to_string(),
            Written::Text(text) => text,
        };
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, seconds) in [("90", 90), ("30s", 30), ("10m", 600), ("1h30m", 5400), ("2d", 172_800), (" 5m ", 300)] {
            assert_eq!(text.parse(), Ok(Since(seconds)), "{text}");
        }
        assert_eq!(serde_json::from_str::<Option<Since>>("90").unwrap(), Some(Since(90)));
        assert_eq!(serde_json::from_str::<Since>(r#""10m""#).unwrap(), Since(600));
    }

    #[test]
    fn nonsense_says_how_to_write_it() {
        for text in ["", "soon", "10x", "-5", "0", "m", "10m5", "99999999999999999d"] {
            assert!(text.parse::<Since>().unwrap_err().contains("1h30m"), "{text}");
        }
        assert!(serde_json::from_str::<Since>("true").is_err());
    }
}
