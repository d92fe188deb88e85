/// A text pattern in which each star stands for any text, also the empty one.
///
/// It searches for each piece between two stars at its first occurrence (Knuth, Morris and Pratt).
/// The time is therefore linear for every pattern and text.
struct Wildcard: Sendable, Hashable {
    /// The beginning of the text.
    private let first: [UInt8]
    /// The pieces between two stars.
    private let middle: [Piece]
    /// The end of the text; `nil` without a star, when the text must equal ``first``.
    private let last: [UInt8]?

    /// Creates a pattern from the pieces between its stars: *n* stars make *n* + 1 pieces.
    init(_ pieces: [[UInt8]]) {
        first = pieces.first ?? []
        middle = pieces.dropFirst().dropLast().map(Piece.init)
        last = pieces.count > 1 ? pieces.last : nil
    }

    /// Whether text matches the pattern; `steps` grows by the comparisons of bytes.
    ///
    /// - Complexity: O(*n* + *m*) for *n* bytes of text and *m* of the pattern.
    func matches(_ text: [UInt8], steps: inout Int) -> Bool {
        steps += first.count + (last?.count ?? 0)
        guard let last else { return text == first }
        guard first.count + last.count <= text.count, text.starts(with: first),
            text.suffix(last.count).elementsEqual(last)
        else { return false }
        var rest = text[first.count..<(text.count - last.count)]
        for piece in middle {
            guard let end = piece.end(in: rest, &steps) else { return false }
            rest = rest[end...]
        }
        return true
    }
}

extension Wildcard {
    private struct Piece: Sendable, Hashable {
        private let bytes: [UInt8]
        /// For each prefix of the piece, the length of its longest proper prefix that is also its
        /// suffix.
        private let borders: [Int]

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            var borders = [0]
            var length = 0
            for byte in bytes.dropFirst() {
                while length > 0, bytes[length] != byte { length = borders[length - 1] }
                if bytes[length] == byte { length += 1 }
                borders.append(length)
            }
            self.borders = borders
        }

        /// The end of the piece's first occurrence.
        func end(in text: ArraySlice<UInt8>, _ steps: inout Int) -> Int? {
            guard !bytes.isEmpty else { return text.startIndex }
            var length = 0
            for place in text.indices {
                steps += 1
                while length > 0, bytes[length] != text[place] {
                    steps += 1
                    length = borders[length - 1]
                }
                if bytes[length] == text[place] { length += 1 }
                if length == bytes.count { return place + 1 }
            }
            return nil
        }
    }
}
