//! Compares the program with kubectl: kubectl must read our output as intended, we must read manifests as kubectl
//! does, and kustomize patches must have the same effect.
//!
//! kubectl is the oracle: `kubectl patch --local` reads any object without a server. It is `$KUBECTL`, or the
//! `kubectl` on the PATH. Without it the tests are skipped; they fail with `CI=true`.

mod documents;
mod headers;
mod kubectl;
mod kustomize;
mod reading;
mod references;
mod same;
mod strings;
mod writing;
