//! The eight digits that the names of a cluster's machines and VM sets share.

/// Returns the name suffix that `GetClusterID` of ACS-Engine and AKS-Engine derives from `masterProfile.dnsPrefix`
/// (`pkg/api/types.go`): the first number of Go's `math/rand`, seeded with the FNV-1a hash of the prefix, cut to eight digits.
pub fn cluster_suffix(dns_prefix: &str) -> String {
    let mut digits = format!("{:08}", first_number(fnv1a(dns_prefix.as_bytes())));
    digits.truncate(8);
    digits
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

const COOKED_333: u64 = 0xbfb2_f4d9_68b7_59c3;
const COOKED_606: u64 = 0x39a0_0a3a_31c0_25c6;

/// The prime modulus of the generator that seeds Go's `math/rand`.
const MODULUS: u64 = (1 << 31) - 1;

/// Returns the first `Uint32` of `rand.New(rand.NewSource(seed))`. The generator adds two of its 607 words. The first
/// number needs only the 334th and the last word. Each word combines three numbers of the seed generator with a constant
/// (`rngCooked` in Go's `math/rand/rng.go`).
fn first_number(seed: u64) -> u32 {
    let seed = seed.cast_signed().rem_euclid(MODULUS.cast_signed()).unsigned_abs();
    let seed = if seed == 0 { 89_482_311 } else { seed };
    let word = |index: usize, constant: u64| {
        let mut small = (0..20 + 3 * index).fold(seed, |small, _| small * 48271 % MODULUS);
        let mut word = 0;
        for shift in [40, 20, 0] {
            small = small * 48271 % MODULUS;
            word ^= small << shift;
        }
        word ^ constant
    };
    let sum = word(333, COOKED_333).wrapping_add(word(606, COOKED_606));
    // `Uint32` is the upper half of a 63-bit number.
    ((sum & (u64::MAX >> 1)) >> 31) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first two values are from `TestGenerateClusterID` in AKS-Engine's tests; Go printed the others.
    #[test]
    fn suffixes_equal_those_of_the_installers() {
        for (prefix, expected) in [
            ("foo_master", "24569115"),
            ("foo_agent2", "11729301"),
            ("lv69-k8sdemo02", "20477561"),
            ("", "12857252"),
            ("mycluster", "11161905"),
            ("foo", "28513887"),
            ("masterdns1", "31559618"),
            ("kubernetes", "17487427"),
        ] {
            assert_eq!(cluster_suffix(prefix), expected, "{prefix}");
        }
    }
}
