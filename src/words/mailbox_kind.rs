//! Role and provider: what a mailbox is for, and who runs it.

use std::fmt;

macro_rules! word {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The word as it stands in YAML, SQL and JSON.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$variant => $text),+ } }
            /// Reads the word back.
            pub fn parse(text: &str) -> Option<Self> { match text { $($text => Some(Self::$variant),)+ _ => None } }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.as_str()) }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(self.as_str()) }
        }
    };
}
pub(crate) use word;

word! {
    /// What a mailbox does in the pool.
    Role {
        /// Its domain is being warmed: it has a ramp.
        Warming = "warming",
        /// An established mailbox that receives and answers; no ramp.
        Partner = "partner",
    }
}

word! {
    /// Who runs a mailbox.
    Provider {
        /// Gmail and Google Workspace.
        Gmail = "gmail",
        /// Microsoft 365 and Outlook.com.
        Microsoft = "microsoft",
        /// Yahoo and AOL.
        Yahoo = "yahoo",
        /// Apple's iCloud Mail.
        Icloud = "icloud",
        /// Zoho Mail.
        Zoho = "zoho",
        /// Fastmail.
        Fastmail = "fastmail",
        /// Anybody else: one's own server, a hoster.
        Generic = "generic",
    }
}
