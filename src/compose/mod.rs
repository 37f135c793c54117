//! Compose: a letter → RFC 5322 bytes. Pure; content is data under `content/`.
