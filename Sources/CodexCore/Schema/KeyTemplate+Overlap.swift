extension KeyTemplate {
    /// A part of a template between two `#`: text, which an attribute may follow.
    private struct Section {
        /// The UTF-8 bytes of the text.
        var text: [UInt8] = []
        /// Whether an attribute follows, which has at least one byte and no `#`.
        var isOpen = false

        /// Whether some text fits both sections.
        func overlaps(_ other: Section) -> Bool {
            switch (isOpen, other.isOpen) {
            case (false, false): text == other.text
            case (true, false): other.text.count > text.count && other.text.starts(with: text)
            case (false, true): text.count > other.text.count && text.starts(with: other.text)
            case (true, true): text.starts(with: other.text) || other.text.starts(with: text)
            }
        }
    }

    /// The sections: an attribute is always the end of one.
    private var sections: [Section] {
        var sections = [Section()]
        for piece in pieces {
            switch piece {
            case .text(let text):
                for byte in text.utf8 {
                    if byte == UInt8(ascii: "#") {
                        sections.append(Section())
                    } else {
                        sections[sections.count - 1].text.append(byte)
                    }
                }
            case .attribute: sections[sections.count - 1].isOpen = true
            }
        }
        return sections
    }

    /// Whether some key could have been built by both templates.
    ///
    /// It is exact: there is a text that ``matches(_:)`` both, or there is none.
    ///
    /// - Complexity: O(*n*) in the bytes of the templates.
    package func overlaps(_ other: KeyTemplate) -> Bool {
        let (left, right) = (sections, other.sections)
        return left.count == right.count && zip(left, right).allSatisfy { $0.overlaps($1) }
    }
}
