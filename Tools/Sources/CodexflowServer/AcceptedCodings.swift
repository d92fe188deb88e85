#if Server
    /// The content codings that a client takes, by its header `Accept-Encoding` (RFC 9110, 12.5.3).
    ///
    /// The server has two codings: gzip, and `identity`, which is none. The header gives each
    /// coding a weight. A coding with the weight 0 is refused. The name `*` stands for all codings
    /// that the header does not name.
    struct AcceptedCodings: Hashable, Sendable {
        /// Whether the client takes gzip, and does not prefer an answer without a coding.
        let takesGzip: Bool
        /// Whether the client refuses an answer without a coding.
        let refusesIdentity: Bool

        /// Creates the codings of a client that takes answers without a coding, and perhaps gzip.
        init(takesGzip: Bool) { (self.takesGzip, refusesIdentity) = (takesGzip, false) }

        /// Reads the value of the header; `nil` is a request without the header.
        ///
        /// An element whose weight does not have RFC 9110's form gives gzip no permission, and
        /// takes none from an answer without a coding. Such an answer suits all clients.
        init(_ header: String?) {
            // Most requests have one of these values, which need no list of elements.
            guard let header, !header.utf8.elementsEqual("identity".utf8) else {
                (takesGzip, refusesIdentity) = (false, false)
                return
            }
            if header.utf8.elementsEqual("gzip".utf8) {
                (takesGzip, refusesIdentity) = (true, false)
                return
            }
            var (gzip, identity, others) = (Int?.none, Int?.none, Int?.none)
            for element in header.utf8.split(separator: UInt8(ascii: ",")) {
                let parts = element.split(
                    separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
                let name = Self.trimmed(parts[0])
                let weight = Self.weight(parts.dropFirst())
                // Of several elements for one coding, the lowest weight counts.
                if name.isText("gzip") || name.isText("x-gzip") {
                    gzip = min(gzip ?? Self.weightMax, weight ?? 0)
                } else if name.isText("identity"), let weight {
                    identity = min(identity ?? Self.weightMax, weight)
                } else if name.isText("*"), let weight {
                    others = min(others ?? Self.weightMax, weight)
                }
            }
            let gzipWeight = gzip ?? others ?? 0
            takesGzip = gzipWeight > 0 && gzipWeight >= identity ?? 0
            refusesIdentity = (identity ?? others) == 0
        }

        /// The weight 1, in thousandths.
        private static let weightMax = 1000

        /// The weight of an element in thousandths; `nil` if it does not have RFC 9110's form.
        ///
        /// The form is `q=`, then 0 or 1 with at most three decimals (12.4.2). An element without
        /// a weight has the weight 1.
        private static func weight(_ parameters: ArraySlice<Substring.UTF8View>) -> Int? {
            guard let parameter = parameters.first else { return weightMax }
            let bytes = Array(trimmed(parameter))
            guard parameters.count == 1, (3...7).contains(bytes.count),
                bytes[0] | 0x20 == UInt8(ascii: "q"), bytes[1] == UInt8(ascii: "="),
                bytes.count == 3 || bytes[3] == UInt8(ascii: ".")
            else { return nil }
            var weight = 0
            for place in [2, 4, 5, 6] {
                let digit = place < bytes.count ? Int(bytes[place]) - 0x30 : 0
                guard (0...9).contains(digit) else { return nil }
                weight = weight * 10 + digit
            }
            return weight <= weightMax ? weight : nil
        }

        /// The text without the spaces and tabs around it.
        private static func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
            func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
            var rest = text.drop(while: isSpace)
            while let last = rest.last, isSpace(last) { rest.removeLast() }
            return rest
        }
    }

    extension Substring.UTF8View {
        /// Whether it is a text of ASCII, in any case of letters.
        ///
        /// - Parameter text: The text, in lower case.
        /// - Returns: Whether they are equal.
        fileprivate func isText(_ text: String) -> Bool {
            count == text.utf8.count
                && zip(self, text.utf8).allSatisfy { byte, other in
                    let isCapital = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                    return (isCapital ? byte | 0x20 : byte) == other
                }
        }
    }
#endif
