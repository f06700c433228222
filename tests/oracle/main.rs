//! What is written here means to kubectl what was meant, what is read here is what kubectl would have read, and patches of
//! kustomize do what kustomize does.
//!
//! kubectl itself is the oracle: `kubectl patch --local` reads any object and asks no server. It is `$KUBECTL`, or
//! the `kubectl` of the PATH; without one the tests say that they are skipped, and fail where `CI=true`.

mod headers;
mod kubectl;
mod kustomize;
mod reading;
mod strings;
mod writing;
