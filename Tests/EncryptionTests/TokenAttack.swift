#if Encryption
    import CodexCore
    import Foundation
    import TestSupport

    /// What an attacker does who has files of a store, and wants a number of six digits in them.
    ///
    /// The attacker knows a request: its token, and its list but for the number. Releases whose
    /// digests had no key stored FNV-1a hashes of the list behind the token. So the attack hashes
    /// the list with each number, and looks for the hash there.
    struct TokenAttack: Sendable {
        let token: String
        /// The list with a number.
        let list: @Sendable (String) throws -> [WriteAction]

        /// Whether the token is in the bytes at all.
        func findsToken(in files: [Data]) -> Bool { !windows(of: files).isEmpty }

        /// The number; `nil` if it is not found.
        func number(in files: [Data]) throws -> String? {
            let windows = windows(of: files)
            let heads = Set(windows.map { Array($0.prefix(8)) }.map(Self.integer))
            let (before, after) = try parts()
            for number in 0..<1_000_000 {
                var hash = before
                for divisor in Self.divisors {
                    hash.add(UInt8(ascii: "0") + UInt8(number / divisor % 10))
                }
                for byte in after { hash.add(byte) }
                if heads.contains(hash.first.hash), windows.contains(hash.bytes) {
                    return String(1_000_000 + number).dropFirst().description
                }
            }
            return nil
        }

        private static let divisors = [100_000, 10_000, 1000, 100, 10, 1]

        private static func integer(_ bytes: [UInt8]) -> UInt64 {
            bytes.reduce(0) { $0 << 8 | UInt64($1) }
        }

        /// The hash of what stands before the number, and the bytes that stand after it.
        private func parts() throws -> (before: Hash, after: [UInt8]) {
            let (zeros, ones) = (try bytes(of: "000000"), try bytes(of: "111111"))
            let differing = zeros.indices.filter { zeros[$0] != ones[$0] }
            var hash = Hash()
            for byte in zeros.prefix(differing[0]) { hash.add(byte) }
            return (hash, Array(zeros.suffix(from: differing[5] + 1)))
        }

        private func bytes(of number: String) throws -> [UInt8] {
            var bytes: [UInt8] = []
            for action in try list(number) { action.appendCanonical(to: &bytes) }
            return bytes
        }

        /// All runs of 16 bytes in the 64 bytes behind the token, wherever that is.
        private func windows(of files: [Data]) -> Set<[UInt8]> {
            var found: Set<[UInt8]> = []
            let pattern = Data(token.utf8)
            for file in files {
                var start = file.startIndex
                while let range = file.range(of: pattern, in: start..<file.endIndex) {
                    start = range.upperBound
                    let rest = [UInt8](file[start..<min(start + 64, file.endIndex)])
                    for place in rest.indices where place + 16 <= rest.count {
                        found.insert(Array(rest[place..<place + 16]))
                    }
                }
            }
            return found
        }

        /// The two hashes that releases without a key stored.
        private struct Hash {
            var first = FNV1a()
            var second: UInt64 = 0x9AE1_6A3B_2F90_404F

            mutating func add(_ byte: UInt8) {
                first.add(byte)
                second = (second ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
            }

            var bytes: [UInt8] {
                [first.hash, second].flatMap { word in
                    stride(from: 56, through: 0, by: -8).map {
                        UInt8(truncatingIfNeeded: word >> UInt64($0))
                    }
                }
            }
        }
    }
#endif
