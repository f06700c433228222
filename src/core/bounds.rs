//! The limits on untrusted input, and on what is rendered from it. Each has its unit and its reason.

/// The size of a file that the spec names or that is found in a directory, in bytes. git can store a file of zeros of any
/// size in a few kilobytes. 100 MB is ten times what Argo CD reads from one directory by default.
pub const MAX_FILE_BYTES: u64 = 100_000_000;

/// The manifests in one directory that a user names on the command line. 1,000 Services with ten files each are 10,000; their
/// total size has the limit of one file.
pub const MAX_INPUT_FILES: usize = 10_000;

/// The levels of lists and maps of a value. The schemas of the deepest CustomResourceDefinitions have about 60, and `serde_json`
/// reads 127. Each level takes 4 KB of stack in a release build.
pub const MAX_DEPTH: usize = 100;

/// The values (scalars, keys, lists and maps) of a file that is smaller than [`SMALL_FILE`], after aliases were replaced. They
/// take at most 450 MB (maps with one key), and are 50,000 Services with 34 values each.
const SMALL_FILE_VALUES: usize = 1_700_000;

/// The size in bytes below which a file has the fixed limit of values.
const SMALL_FILE: usize = 10_000_000;

/// The number of bytes for one value in larger files. Kubernetes' own output has 10 or more.
const BYTES_PER_VALUE: usize = 5;

/// The values of one of our own files (spec, overlay, platform, patch), after aliases were replaced. Such a file is in memory
/// several times: as a document, as its type, and as parsed operations. 10,000 pools with names, VM sets and weights have
/// 100,000 values.
pub const MAX_OWN_VALUES: usize = 300_000;

/// The bytes that aliases may add to the text of a file.
pub const MAX_ALIAS_BYTES: usize = 32 << 20;

/// The events that a YAML reader keeps to replace aliases. Each is about 100 bytes.
pub const MAX_ANCHORED_EVENTS: usize = 1_000_000;

/// The bytes of all patches of one overlay that are strings or files. A string is read once for each alias of it.
pub const MAX_PATCH_TEXT: usize = 4 << 20;

/// The size of an object in bytes of JSON: the largest request body that an API server reads (`MaxRequestBodyBytes` of
/// k8s.io/apiserver).
pub const MAX_OBJECT_BYTES: usize = 3 << 20;

/// The operations of patches on one object. The longest patch in docs has 20.
pub const MAX_OPERATIONS: usize = 10_000;

/// The bytes that the patches of one object may write, copy, move, compare and search: ten objects of the largest size, a
/// second of work.
pub const MAX_OBJECT_WORK: usize = 10 * MAX_OBJECT_BYTES;

/// The bytes that all patches of a render may write, copy, move, compare and search. 100,000 objects with 20 operations of
/// 128 bytes each are 256 MB, a few seconds of work.
pub const MAX_PATCH_WORK: usize = 256 << 20;

/// The work of one operation or one comparison of a target with an object, in bytes, in addition to its values.
pub const STEP_WORK: usize = 64;

/// The fields of custom resources that a spec lists as references. Each is looked up in every object of its kind.
pub const MAX_REFERENCES: usize = 100;

/// The texts with wildcards in `spec.clusterIPServices`. Each is compared with every Service, unlike a name.
pub const MAX_GLOBS: usize = 100;

/// The shards of a spec. One name with 1,000 addresses has an answer of 16 kB, and no cloud gives that many load balancers without a
/// request.
pub const MAX_SHARDS: u32 = 1_000;

/// The objects that a render writes without `--max-objects`. 10,000 pools with three Services and a VM set each are 40,000.
pub const MAX_OBJECTS: u32 = 100_000;

/// The size of all rendered objects in bytes of JSON, plus [`COLLECTION_BYTES`] for each list and map. Argo CD reads 10 MB
/// from one directory by default.
pub const MAX_RENDERED_BYTES: usize = 512_000_000;

/// What a list or map adds to the size of an object. In memory it takes more than its text.
pub const COLLECTION_BYTES: usize = 128;

/// The size of a compiled regular expression, in bytes. A match takes time in proportion to it.
pub const MAX_PATTERN_BYTES: usize = 64 << 10;

/// The problems that are reported of one document, and that one run prints. A log with more helps no reader, and each problem takes
/// up to 40 µs to describe.
pub const MAX_PROBLEMS: usize = 1_000;

/// Returns the values that a text of this size may have, after aliases were replaced.
pub fn max_values(bytes: usize) -> usize {
    if bytes < SMALL_FILE { SMALL_FILE_VALUES } else { bytes / BYTES_PER_VALUE }
}
