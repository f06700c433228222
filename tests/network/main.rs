//! Tests of the network shell: with servers and name servers that answer, refuse, hang and lie as the test decides.

#[path = "../support/certificates.rs"]
#[expect(dead_code, reason = "tests/e2e uses more of it")]
mod certificates;
mod connect;
mod dns;
#[path = "../support/name_server.rs"]
mod name_server;
