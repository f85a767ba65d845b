//! `--resolve HOST:PORT:ADDRESS`: where a host really lives, when the DNS here does not know or must not be asked.

use crate::error::{Error, Kind, Result};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// One override of name resolution, for HTTP requests and TLS handshakes from this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    host: String,
    port: u16,
    address: SocketAddr,
}

impl Resolve {
    /// The address that these overrides give for a host and port, if any. The first match wins.
    pub fn find(overrides: &[Self], host: &str, port: u16) -> Option<SocketAddr> {
        let known = |one: &&Self| one.port == port && one.host.eq_ignore_ascii_case(host);
        overrides.iter().find(known).map(|one| one.address)
    }
}

impl FromStr for Resolve {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text).ok_or_else(|| {
            Error::new(Kind::BadInput, format!("{text:?} is no name override"))
                .hint("write HOST:PORT:ADDRESS, as curl does: login.example.com:443:10.0.0.7, or with a port of its own: login.example.com:443:127.0.0.1:8443 (IPv6 in brackets)")
        })
    }
}

impl fmt::Display for Resolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.host, self.port, self.address)
    }
}

fn parse(text: &str) -> Option<Resolve> {
    let (host, rest) = text.trim().split_once(':')?;
    let (port, address) = rest.split_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let address = parse_address(address, port)?;
    (!host.is_empty()).then(|| Resolve { host: host.into(), port, address })
}

/// An address, with a port of its own or else with this one.
fn parse_address(text: &str, port: u16) -> Option<SocketAddr> {
    let unbracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    match unbracketed.parse::<IpAddr>() {
        Ok(ip) => Some(SocketAddr::new(ip, port)),
        Err(_) => text.parse().ok().filter(|address: &SocketAddr| address.port() != 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form_of_address() {
        for (text, address) in [
            ("login.example.com:443:10.0.0.7", "10.0.0.7:443"),
            ("login.example.com:443:127.0.0.1:8443", "127.0.0.1:8443"),
            ("login.example.com:443:[::1]", "[::1]:443"),
            ("login.example.com:443:::1", "[::1]:443"),
            ("login.example.com:443:[::1]:8443", "[::1]:8443"),
        ] {
            let one: Resolve = text.parse().expect(text);
            assert_eq!(one.to_string().parse(), Ok(one.clone()), "{text}");
            assert_eq!(Resolve::find(&[one], "LOGIN.example.com", 443), Some(address.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn only_that_host_and_port_is_led_elsewhere() {
        let one: Resolve = "a.example:443:10.0.0.7".parse().unwrap();
        assert_eq!(Resolve::find(std::slice::from_ref(&one), "a.example", 8443), None);
        assert_eq!(Resolve::find(&[one], "b.example", 443), None);
    }

    #[test]
    fn what_is_no_override_is_refused_with_the_form_to_use() {
        for text in
            ["", "a", "a:443", "a:443:", "a:x:10.0.0.7", "a:0:10.0.0.7", ":443:10.0.0.7", "a:443:b.example", "a:443:10.0.0.7:0"]
        {
            let error = text.parse::<Resolve>().expect_err(text);
            assert_eq!(error.kind(), Kind::BadInput);
            assert!(error.next_step().is_some_and(|hint| hint.contains("HOST:PORT:ADDRESS")), "{text}");
        }
    }
}
