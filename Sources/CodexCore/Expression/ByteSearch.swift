/// Searches bytes for a part, in linear time for any content.
///
/// The search examines eight places at a time for the first and the last byte of the part. Where
/// both match, it compares the whole part. If they match at many places, the algorithm of Knuth,
/// Morris and Pratt continues the search and looks at each byte once or twice.
enum ByteSearch {
    /// Whether `whole` contains `part`.
    ///
    /// The search subtracts its steps from `steps`, the remaining steps
    /// (``StoreLimits/conditionStepCountMax``). If `steps` falls below zero, the answer is
    /// meaningless.
    static func contains(
        _ part: UnsafeBufferPointer<UInt8>, in whole: UnsafeBufferPointer<UInt8>,
        steps: inout Int
    ) -> Bool {
        guard part.count <= whole.count else { return false }
        guard let first = unsafe part.first, let last = unsafe part.last else { return true }
        steps -= 1 + whole.count / 8
        guard steps >= 0 else { return false }
        let (firsts, lasts) = (spread(first), spread(last))
        let end = whole.count - part.count
        // The remaining budget for comparisons: one for each eight places.
        var rest = 16 + whole.count / 8
        var start = 0
        while start + 7 <= end {
            // A byte is zero where both the first and the last byte match.
            let left = unsafe word(whole, start) ^ firsts
            let right = unsafe word(whole, start + part.count - 1) ^ lasts
            var candidates = zeros(left | right)
            while candidates != 0 {
                let place = start + candidates.trailingZeroBitCount / 8
                if unsafe isEqual(part, whole, place, &rest) { return true }
                guard rest >= 0 else {
                    return unsafe search(part, in: whole, from: place, steps: &steps)
                }
                candidates &= candidates - 1
            }
            start += 8
        }
        while start <= end {
            if unsafe isEqual(part, whole, start, &rest) { return true }
            start += 1
        }
        return false
    }

    /// The byte, repeated in all eight places of a word.
    private static func spread(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

    /// The highest bit of each byte that is zero.
    private static func zeros(_ word: UInt64) -> UInt64 {
        let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        return ~(((word & low) &+ low) | word | low)
    }

    /// The eight bytes from `start` on, which must all exist; the first byte is the lowest.
    @inline(__always)
    private static func word(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int) -> UInt64 {
        unsafe UInt64(
            littleEndian: UnsafeRawBufferPointer(bytes).loadUnaligned(
                fromByteOffset: start, as: UInt64.self))
    }

    /// Whether the part is at `place`; subtracts the cost of the comparison from `rest`.
    private static func isEqual(
        _ part: UnsafeBufferPointer<UInt8>, _ whole: UnsafeBufferPointer<UInt8>, _ place: Int,
        _ rest: inout Int
    ) -> Bool {
        var index = 0
        while index + 8 <= part.count, unsafe word(part, index) == word(whole, place + index) {
            index += 8
        }
        let isWhole = index + 8 > part.count
        while isWhole, index < part.count, unsafe part[index] == whole[place + index] {
            index += 1
        }
        rest -= 1 + index / 8
        return index == part.count
    }

    /// The same search from `place` on, by Knuth, Morris and Pratt.
    ///
    /// - Complexity: O(*n* + *m*) for *n* bytes and a part of *m* bytes.
    private static func search(
        _ part: UnsafeBufferPointer<UInt8>, in whole: UnsafeBufferPointer<UInt8>, from place: Int,
        steps: inout Int
    ) -> Bool {
        steps -= whole.count - place + part.count
        guard steps >= 0 else { return false }
        var borders = [0]
        borders.reserveCapacity(part.count)
        var length = 0
        for index in 1..<max(1, part.count) {
            let byte = unsafe part[index]
            while length > 0, unsafe part[length] != byte { length = borders[length - 1] }
            if unsafe part[length] == byte { length += 1 }
            borders.append(length)
        }
        length = 0
        for index in place..<whole.count {
            let byte = unsafe whole[index]
            while length > 0, unsafe part[length] != byte { length = borders[length - 1] }
            if unsafe part[length] == byte { length += 1 }
            if length == part.count { return true }
        }
        return false
    }
}

extension ByteSearch {
    /// Whether text contains other text, by their UTF-8 bytes.
    static func contains(_ part: String, in whole: String, steps: inout Int) -> Bool {
        var (part, whole) = (part, whole)
        return part.withUTF8 { part in
            whole.withUTF8 { whole in unsafe contains(part, in: whole, steps: &steps) }
        }
    }

    /// Whether bytes contain other bytes.
    static func contains(_ part: [UInt8], in whole: [UInt8], steps: inout Int) -> Bool {
        unsafe part.withUnsafeBufferPointer { part in
            unsafe whole.withUnsafeBufferPointer { whole in
                unsafe contains(part, in: whole, steps: &steps)
            }
        }
    }
}
