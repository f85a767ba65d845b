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

impl Role {
    /// `marked`: the key holds one of the marks of [`super::redact_text::MARKS`], as all the rarer ones do.
    pub fn of_key(key: &[u8], marked: bool) -> Self {
        match key {
            b"d" | b"p" | b"q" | b"dp" | b"dq" | b"qi" | b"k" => Self::KeyMember,
            b"oth" => Self::KeyMembers,
            b"name" | b"key" => Self::Name,
            b"value" | b"exact" | b"prefix" | b"suffix" | b"contains" => Self::Value { base64: false },
            b"exact_match" | b"exactMatch" | b"prefix_match" | b"prefixMatch" => Self::Value { base64: false },
            b"raw_value" | b"rawValue" => Self::Value { base64: true },
            b"string_match" | b"stringMatch" => Self::Matcher,
            b"kind" => Self::Kind,
            b"data" => Self::Data { base64: true },
            b"stringData" => Self::Data { base64: false },
            b"inline_bytes" | b"inlineBytes" => Self::Inline { base64: true },
            b"inline_string" | b"inlineString" => Self::Inline { base64: false },
            b"iss" => Self::Issuer,
            _ if marked => Self::of_marked_key(key),
            _ => Self::None,
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
