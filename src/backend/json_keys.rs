//! What a key of a JSON object says about the secrets below it.

use super::redact_text::NAMES;

/// What a key says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nothing.
    None,
    /// `kty`: this object is a JSON Web Key.
    KeyType,
    /// A private member, if this object is a JSON Web Key.
    KeyMember,
    /// Further private primes, each an object.
    KeyMembers,
    /// The value of what a name beside it says.
    Value {
        /// It is bytes, in base64.
        base64: bool,
    },
    /// How a named value is compared; it holds such a value.
    Matcher,
    /// The name of a header or variable.
    Name,
    /// The kind of a Kubernetes object.
    Kind,
    /// The values of a Secret, or of a ConfigMap.
    Data {
        /// They are bytes, in base64.
        base64: bool,
    },
    /// A header that carries credentials.
    Header,
    /// A password or client secret.
    Credential,
    /// What Envoy keeps secret: `private_key`, `generic_secret`.
    CredentialSource,
    /// Inline data of whatever is around it.
    Inline {
        /// It is bytes, in base64.
        base64: bool,
    },
    /// Source code.
    Code,
    /// Where source code comes from.
    CodeSource,
    /// The issuer of a token.
    Issuer,
    /// The subject of a token.
    Subject,
}

/// What an enclosing key says about everything below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Nothing.
    None,
    /// Inline data in here is a credential.
    Credential,
    /// Inline data in here is source code.
    Code,
    /// Strings right in here are values of a Secret, if the object around is one.
    SecretData {
        /// They are bytes, in base64.
        base64: bool,
    },
    /// Strings in here are private members of the JSON Web Key around.
    KeyMembers,
}

/// Keys without a mark that say something.
const KNOWN: [(&[u8], Role); 31] = [
    (b"d", Role::KeyMember),
    (b"p", Role::KeyMember),
    (b"q", Role::KeyMember),
    (b"dp", Role::KeyMember),
    (b"dq", Role::KeyMember),
    (b"qi", Role::KeyMember),
    (b"k", Role::KeyMember),
    (b"oth", Role::KeyMembers),
    (b"name", Role::Name),
    (b"key", Role::Name),
    (b"value", Role::Value { base64: false }),
    (b"exact", Role::Value { base64: false }),
    (b"prefix", Role::Value { base64: false }),
    (b"suffix", Role::Value { base64: false }),
    (b"contains", Role::Value { base64: false }),
    (b"exact_match", Role::Value { base64: false }),
    (b"exactMatch", Role::Value { base64: false }),
    (b"prefix_match", Role::Value { base64: false }),
    (b"prefixMatch", Role::Value { base64: false }),
    (b"raw_value", Role::Value { base64: true }),
    (b"rawValue", Role::Value { base64: true }),
    (b"string_match", Role::Matcher),
    (b"stringMatch", Role::Matcher),
    (b"kind", Role::Kind),
    (b"data", Role::Data { base64: true }),
    (b"stringData", Role::Data { base64: false }),
    (b"inline_bytes", Role::Inline { base64: true }),
    (b"inlineBytes", Role::Inline { base64: true }),
    (b"inline_string", Role::Inline { base64: false }),
    (b"inlineString", Role::Inline { base64: false }),
    (b"iss", Role::Issuer),
];

/// For each length, with which letters a known key of that length begins.
const SHAPES: [u32; 14] = {
    let mut shapes = [0; 14];
    let mut at = 0;
    while at < KNOWN.len() {
        let key = KNOWN[at].0;
        shapes[key.len()] |= letter(key[0]);
        at += 1;
    }
    shapes
};

const fn letter(byte: u8) -> u32 {
    if byte.is_ascii_lowercase() { 1 << (byte - b'a') } else { 0 }
}

impl Role {
    /// `marked`: the key holds one of the marks of [`super::redact_marks`], as all the rarer ones do.
    pub fn of_key(key: &[u8], marked: bool) -> Self {
        // Nearly all keys of a large document say nothing: their length and first letter tell.
        let plausible = key.first().is_some_and(|first| SHAPES.get(key.len()).is_some_and(|firsts| firsts & letter(*first) != 0));
        let known = if plausible { KNOWN.iter().find(|(known, _)| *known == key) } else { None };
        match known {
            Some((_, role)) => *role,
            None if marked => Self::of_marked_key(key),
            None => Self::None,
        }
    }

    fn of_marked_key(key: &[u8]) -> Self {
        match key {
            b"kty" => Self::KeyType,
            b"sub" => Self::Subject,
            b"private_key" | b"privateKey" | b"generic_secret" | b"genericSecret" => Self::CredentialSource,
            b"session_ticket_keys" | b"sessionTicketKeys" => Self::CredentialSource,
            b"inline_code" | b"inlineCode" => Self::Code,
            b"default_source_code" | b"defaultSourceCode" | b"source_codes" | b"sourceCodes" => Self::CodeSource,
            b"password" | b"passwd" | b"client_secret" | b"clientSecret" => Self::Credential,
            b"access_token" | b"refresh_token" | b"id_token" => Self::Credential,
            _ if NAMES.iter().any(|name| key.eq_ignore_ascii_case(name.as_bytes())) => Self::Header,
            _ => Self::None,
        }
    }

    /// What it says about the items of an array that it belongs to.
    pub fn of_items(self) -> Self {
        if matches!(self, Self::Header | Self::Credential | Self::KeyMembers) { self } else { Self::None }
    }

    /// The scope of an object or array that belongs to it, inside of this scope.
    pub fn scope(self, outer: Scope, object: bool) -> Scope {
        match self {
            Self::CredentialSource | Self::Credential => Scope::Credential,
            Self::CodeSource => Scope::Code,
            Self::KeyMembers => Scope::KeyMembers,
            Self::Data { base64 } if object => Scope::SecretData { base64 },
            // Values of a Secret are strings right below `data`.
            _ if matches!(outer, Scope::SecretData { .. }) => Scope::None,
            _ => outer,
        }
    }
}
