//! The health of an endpoint: what Envoy makes of what it was told and of what it found out itself.

use super::wire::{Flaws, Text};
use serde::de::{Deserialize, Deserializer};
use serde::{Serialize, Serializer};

wire! {
    /// What Envoy says of a host's health. What is false is left out.
    pub(super) struct HealthWire<'de> {
        eds_health_status: Option<Text<'de>>,
        failed_active_health_check: bool,
        failed_outlier_check: bool,
        failed_active_degraded_check: bool,
        pending_dynamic_removal: bool,
        pending_active_hc: bool,
        excluded_via_immediate_hc_fail: bool,
        active_hc_timeout: bool,
    }
}

/// Envoy's words for health.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Status {
    /// Nobody said anything; Envoy takes it for healthy.
    #[default]
    Unknown,
    /// It gets requests.
    Healthy,
    /// It gets none, unless so few are healthy that Envoy panics.
    Unhealthy,
    /// It gets no new requests; those that belong to a session still go there.
    Draining,
    /// Whoever checks for Envoy got no answer: unhealthy.
    Timeout,
    /// It gets requests only when too few others are healthy.
    Degraded,
}

impl Status {
    const ALL: [Self; 6] = [Self::Healthy, Self::Unhealthy, Self::Draining, Self::Timeout, Self::Degraded, Self::Unknown];

    /// Envoy's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Healthy => "HEALTHY",
            Self::Unhealthy => "UNHEALTHY",
            Self::Draining => "DRAINING",
            Self::Timeout => "TIMEOUT",
            Self::Degraded => "DEGRADED",
        }
    }

    /// The status of this name, in any case.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word().eq_ignore_ascii_case(word))
    }

    /// What an update says; nothing means that it is not known.
    pub(super) fn told(word: Option<&str>, flaws: &Flaws) -> Self {
        let Some(word) = word else { return Self::Unknown };
        Self::named(word).unwrap_or_else(|| {
            flaws.add(format!("{word:?} is no known health status"));
            Self::Unknown
        })
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = String::deserialize(from)?;
        Self::named(&word).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.into_iter().map(Self::word).collect();
            serde::de::Error::custom(format!("{word:?} is no status; there are {}", known.join(", ")))
        })
    }
}

/// What outlier detection says of a host, in istioctl's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlier(pub bool);

impl Serialize for Outlier {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(if self.0 { "FAILED" } else { "OK" })
    }
}

/// What a proxy knows of a host's health, in one byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// It fails the cluster's active health checks.
    pub const FAILED_ACTIVE: Self = Self(1);
    /// Outlier detection ejected it.
    pub const FAILED_OUTLIER: Self = Self(1 << 1);
    /// It calls itself degraded in active health checks.
    pub const DEGRADED: Self = Self(1 << 2);
    /// It is gone from the last update.
    pub const REMOVED: Self = Self(1 << 3);
    /// Its first active health check has no result yet.
    pub const PENDING: Self = Self(1 << 4);
    /// It asked in an answer not to be sent more.
    pub const EXCLUDED: Self = Self(1 << 5);
    /// The last active health check was not answered in time.
    pub const TIMEOUT: Self = Self(1 << 6);

    /// What each means for those who wonder why requests do not arrive.
    const REASONS: [(Self, &str); 7] = [
        (Self::FAILED_OUTLIER, "ejected by outlier detection"),
        (Self::PENDING, "waits for its first active health check"),
        (Self::TIMEOUT, "active health check timed out"),
        (Self::FAILED_ACTIVE, "fails active health checks"),
        (Self::EXCLUDED, "asked to be left out (x-envoy-immediate-health-check-fail)"),
        (Self::DEGRADED, "calls itself degraded in active health checks"),
        (Self::REMOVED, "gone from the last update, kept while it passes health checks"),
    ];

    pub(super) fn of(wire: &HealthWire<'_>) -> Self {
        let flags = [
            (wire.failed_active_health_check, Self::FAILED_ACTIVE),
            (wire.failed_outlier_check, Self::FAILED_OUTLIER),
            (wire.failed_active_degraded_check, Self::DEGRADED),
            (wire.pending_dynamic_removal, Self::REMOVED),
            (wire.pending_active_hc, Self::PENDING),
            (wire.excluded_via_immediate_hc_fail, Self::EXCLUDED),
            (wire.active_hc_timeout, Self::TIMEOUT),
        ];
        Self(flags.into_iter().filter(|(set, _)| *set).fold(0, |all, (_, flag)| all | flag.0))
    }

    /// Whether one of these is set.
    pub fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    /// What Envoy makes of it all: the update's word, unless it found out worse itself.
    pub fn status(self, told: Status) -> Status {
        let failed = Self(Self::FAILED_ACTIVE.0 | Self::FAILED_OUTLIER.0 | Self::PENDING.0 | Self::EXCLUDED.0 | Self::TIMEOUT.0);
        match told {
            _ if self.has(failed) => Status::Unhealthy,
            Status::Healthy | Status::Unknown if self.has(Self::DEGRADED) => Status::Degraded,
            told => told,
        }
    }
}

/// Why a host is not plainly healthy: what the proxy found out, and what it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Why {
    /// What the proxy found out.
    pub flags: Flags,
    /// What it was told.
    pub told: Status,
}

impl Why {
    fn reasons(self) -> Vec<&'static str> {
        let mut reasons: Vec<&str> =
            Flags::REASONS.iter().filter(|(flag, _)| self.flags.has(*flag)).map(|(_, reason)| *reason).collect();
        // The narrower reason says it all.
        if self.flags.has(Flags::PENDING) || self.flags.has(Flags::TIMEOUT) {
            reasons.retain(|reason| *reason != "fails active health checks");
        }
        reasons.extend(match self.told {
            Status::Unhealthy => Some("UNHEALTHY in the last update"),
            Status::Draining => Some("DRAINING in the last update"),
            Status::Timeout => Some("TIMEOUT in the last update"),
            Status::Degraded => Some("DEGRADED in the last update"),
            Status::Unknown | Status::Healthy => None,
        });
        reasons
    }
}

impl Serialize for Why {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.reasons().as_slice() {
            [] => to.serialize_none(),
            reasons => to.serialize_str(&reasons.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::read;
    use super::*;

    fn health(json: &str) -> (&'static str, serde_json::Value, &'static str) {
        let flaws = Flaws::default();
        let (wire, _) = read::<HealthWire<'_>>(json.as_bytes(), &flaws);
        let (flags, told) = (Flags::of(&wire), Status::told(wire.eds_health_status.as_deref(), &flaws));
        (flags.status(told).word(), serde_json::to_value(Why { flags, told }).unwrap(), told.word())
    }

    #[test]
    fn a_host_that_gets_no_requests_is_not_healthy_whatever_the_update_said() {
        for (flag, why) in [
            ("failed_active_health_check", "fails active health checks"),
            ("failed_outlier_check", "ejected by outlier detection"),
            ("pending_active_hc", "waits for its first active health check"),
            ("excluded_via_immediate_hc_fail", "asked to be left out (x-envoy-immediate-health-check-fail)"),
            ("active_hc_timeout", "active health check timed out"),
        ] {
            let (status, reason, told) = health(&format!(r#"{{"{flag}": true, "eds_health_status": "HEALTHY"}}"#));
            assert_eq!((status, reason.as_str(), told), ("UNHEALTHY", Some(why), "HEALTHY"), "{flag}");
        }
    }

    #[test]
    fn what_still_gets_requests_is_told_apart() {
        let degraded = health(r#"{"failed_active_degraded_check": true, "eds_health_status": "HEALTHY"}"#);
        assert_eq!((degraded.0, degraded.2), ("DEGRADED", "HEALTHY"));
        let removed = health(r#"{"pending_dynamic_removal": true, "eds_health_status": "HEALTHY"}"#);
        assert_eq!(removed.0, "HEALTHY");
        assert!(removed.1.as_str().unwrap().contains("gone from the last update"));
        assert_eq!(health(r#"{"eds_health_status": "HEALTHY"}"#), ("HEALTHY", serde_json::Value::Null, "HEALTHY"));
    }

    #[test]
    fn the_word_of_an_update_stands_when_envoy_found_nothing_worse() {
        for word in ["DRAINING", "TIMEOUT", "DEGRADED", "UNHEALTHY"] {
            let (status, why, _) = health(&format!(r#"{{"eds_health_status": "{word}"}}"#));
            assert_eq!((status, why), (word, format!("{word} in the last update").into()));
        }
        let both = health(
            r#"{"eds_health_status": "DRAINING", "failed_outlier_check": true, "failed_active_health_check": true, "active_hc_timeout": true}"#,
        );
        assert_eq!(both.0, "UNHEALTHY");
        assert_eq!(both.1, "ejected by outlier detection, active health check timed out, DRAINING in the last update");
        assert_eq!(health("{}"), ("UNKNOWN", serde_json::Value::Null, "UNKNOWN"));
    }

    #[test]
    fn a_status_is_found_in_any_case_and_others_are_named() {
        assert_eq!(serde_json::from_str::<Status>("\"unHealthy\"").unwrap(), Status::Unhealthy);
        let error = serde_json::from_str::<Status>("\"sick\"").unwrap_err().to_string();
        assert!(error.contains("\"sick\" is no status; there are HEALTHY, UNHEALTHY"), "{error}");
    }
}
