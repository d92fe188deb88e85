extension CodexFlow {
    /// What the text of models may have, by the tables of one version of Unicode.
    ///
    /// `Docs/Text.md` has the rules of titles, labels and e-mail addresses.
    public enum Text {
        /// The version of Unicode that keys and the rules of text follow, on all toolchains.
        public static let unicodeVersion = "14.0.0"

        /// The text on one line, as titles and names need it.
        ///
        /// Each run of control characters, line separators and paragraph separators becomes a
        /// space. White space at both ends is removed. Commands do not call it: an import does, for
        /// text that others wrote.
        ///
        /// - Complexity: O(*n*) in the text's scalars.
        public static func line(_ text: String) -> String {
            var line = String.UnicodeScalarView()
            var isInRun = false
            for scalar in text.unicodeScalars {
                let isBreak = isControl(scalar)
                if !isBreak {
                    line.append(scalar)
                } else if !isInRun {
                    line.append(" ")
                }
                isInRun = isBreak
            }
            return trimmed(String(line))
        }

        /// Whether the text shows nothing to the eye: it has only white space, and characters that
        /// are invisible or have an empty glyph.
        package static func isBlank(_ text: String) -> Bool {
            text.unicodeScalars.allSatisfy {
                CodePoints.contains($0.value, in: BlankTable.ranges)
            }
        }

        /// Whether the text has a control character, a line separator or a paragraph separator.
        package static func hasControls(_ text: String) -> Bool {
            text.unicodeScalars.contains { isControl($0) }
        }

        /// The text without white space at both ends.
        package static func trimmed(_ text: String) -> String {
            let scalars = text.unicodeScalars
            guard let first = scalars.firstIndex(where: { !isWhiteSpace($0) }),
                let last = scalars.lastIndex(where: { !isWhiteSpace($0) })
            else { return "" }
            let end = scalars.index(after: last)
            if first == scalars.startIndex, end == scalars.endIndex { return text }
            return String(scalars[first..<end])
        }

        /// Labels as they are stored and compared: in the canonical form C.
        package static func labels(_ labels: [String]) -> [String] {
            let isStored = labels.allSatisfy { Normalization.isPlain($0) }
            return isStored ? labels : labels.map { Normalization.composed($0) }
        }

        /// The same for the stored value of labels; what is not text stays.
        static func labels(_ value: AttributeValue) -> AttributeValue {
            guard case .list(let elements) = value else { return value }
            return .list(
                elements.map { element in
                    guard case .string(let label) = element else { return element }
                    return .string(Normalization.composed(label))
                })
        }

        private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.value {
            case 0...0x1F, 0x7F...0x9F, 0x2028, 0x2029: true
            default: false
            }
        }

        private static func isWhiteSpace(_ scalar: Unicode.Scalar) -> Bool {
            CodePoints.contains(scalar.value, in: BlankTable.whiteSpace)
        }
    }
}
