#if Server
    import Synchronization

    /// The identifiers of answers: random numbers in the form of a UUID of version 4.
    ///
    /// Clients write them into their logs. The numbers are mixed from a counter and from random
    /// numbers of the process, so that no answer needs a system call. They are no secrets.
    enum RequestID {
        private static let seeds = (
            high: UInt64.random(in: 0 ... .max), low: UInt64.random(in: 0 ... .max)
        )
        private static let count = Atomic<UInt64>(0)

        /// The increment of SplitMix64's state.
        private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

        /// The identifier of the next answer.
        static func next() -> String {
            let step = count.wrappingAdd(1, ordering: .relaxed).newValue &* increment
            return text(mixed(seeds.high &+ step), mixed(seeds.low &+ step))
        }

        /// The function of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
        /// Generators").
        private static func mixed(_ state: UInt64) -> UInt64 {
            var value = state
            value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
            return value ^ value >> 31
        }

        /// Two numbers as a UUID; the bits of version and variant replace theirs.
        static func text(_ high: UInt64, _ low: UInt64) -> String {
            let first: UInt64 = high & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
            let second: UInt64 = low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
            return String(unsafeUninitializedCapacity: 36) { text in
                var position = 0
                for place in 0..<32 {
                    if place == 8 || place == 12 || place == 16 || place == 20 {
                        text[position] = UInt8(ascii: "-")
                        position += 1
                    }
                    let half = place < 16 ? first : second
                    let shift = UInt64(60 - 4 * (place % 16))
                    let value = UInt8(truncatingIfNeeded: half >> shift) & 15
                    text[position] =
                        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
                    position += 1
                }
                return position
            }
        }
    }
#endif
