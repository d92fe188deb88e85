/// The texts of an item that is being encoded, by which rules are checked and found.
package struct ItemTexts {
    private let item: AttributeMap
    /// The encoded values, and the end of each.
    private let values: [UInt8]
    private let ends: [Int]
    /// The names of the table's key attributes.
    private let keyNames: [String]
    /// The names of the attributes that may have rules.
    private let ruledNames: [String]

    init(
        _ item: AttributeMap, _ values: [UInt8], _ ends: [Int], keys keyNames: [String],
        ruled ruledNames: [String]
    ) {
        self.item = item
        self.values = values
        self.ends = ends
        self.keyNames = keyNames
        self.ruledNames = ruledNames
    }

    /// The place of the text of an attribute; `nil` for a value that is not stored as plain text.
    private func text(at position: Int) -> Range<Int>? {
        let start = position == 0 ? 0 : ends[position - 1]
        guard values[start] == ValueCodec.Tag.string.rawValue else { return nil }
        return (start + 1)..<ends[position]
    }

    // MARK: Checking

    /// Whether the text of an attribute is that of a rule.
    package func satisfy(_ rule: TextRule) -> Bool {
        guard let text = text(at: rule.position), text.count <= TextRule.byteCountMax else {
            return false
        }
        var rest = text
        for piece in rule.pieces {
            guard let byteCount = byteCount(of: piece, in: rest) else { return false }
            rest = (rest.lowerBound + byteCount)..<rest.upperBound
        }
        return rest.isEmpty
    }

    /// The number of bytes of a piece with which a place begins; `nil` if it begins otherwise.
    private func byteCount(of piece: TextRule.Piece, in place: Range<Int>) -> Int? {
        switch piece {
        case .literal(let literal):
            guard literal.count <= place.count else { return nil }
            return Wire.equal(values.span, place.lowerBound, literal) ? literal.count : nil
        case .attribute(let source, let dropped):
            guard let text = text(at: source), dropped <= text.count else { return nil }
            return byteCount(of: (text.lowerBound + dropped)..<text.upperBound, in: place)
        case .key(let name, let dropped):
            guard case .string(var key)? = item[name] else { return nil }
            let start = place.lowerBound
            let count = key.utf8.count - dropped
            guard count >= 0, count <= place.count else { return nil }
            let isEqual = key.withUTF8 { text in
                for offset in 0..<count
                where unsafe text[dropped + offset] != values[start + offset] { return false }
                return true
            }
            return isEqual ? count : nil
        }
    }

    /// The number of bytes of a text with which a place begins; `nil` if it begins otherwise.
    private func byteCount(of text: Range<Int>, in place: Range<Int>) -> Int? {
        guard text.count <= place.count else { return nil }
        let beginning = place.lowerBound..<(place.lowerBound + text.count)
        let isEqual =
            ByteOrder.compare(values.span.extracting(text), values.span.extracting(beginning)) == 0
        return isEqual ? text.count : nil
    }

    /// The number of the first rule of an attribute that gives its text.
    private func number(of position: Int, _ rules: [TextRule]) -> Int? {
        var number = 0
        for rule in rules where rule.position == position {
            if satisfy(rule) { return number }
            number += 1
        }
        return nil
    }

    /// The attributes whose text a rule of the shape gives, ascending, with the numbers of the
    /// rules.
    func ruled(_ shape: Shape) -> [(position: Int, number: Int)] {
        var ruled: [(position: Int, number: Int)] = []
        var last = -1
        for rule in shape.rules where rule.position != last {
            last = rule.position
            let name = shape.names[last]
            guard ruledNames.contains(where: { ByteOrder.equal($0, name) }),
                let number = number(of: last, shape.rules)
            else { continue }
            ruled.append((last, number))
        }
        return ruled
    }

    /// The attributes that may have rules, and whose text no rule of the shape gives.
    package func unruled(_ shape: Shape) -> [Int] {
        ruledNames.compactMap { name in
            guard let position = shape.position(of: name), text(at: position) != nil,
                number(of: position, shape.rules) == nil
            else { return nil }
            return position
        }
    }

    // MARK: Finding

    /// Most bytes of a text, and most attributes of a shape, for which a rule is searched.
    private static let searchedByteCountMax = 256
    private static let searchedNameCountMax = 64
    /// Most places in one text at which a source may begin.
    private static let startCountMax = 4

    /// A rule for the text of an attribute; `nil` if other texts and literals do not form it.
    ///
    /// At each word it takes the longest text with which the rest begins, or else a literal.
    package func rule(for position: Int, _ shape: Shape) -> TextRule? {
        guard shape.names.count <= Self.searchedNameCountMax, let text = text(at: position),
            text.count <= Self.searchedByteCountMax
        else { return nil }
        var (pieces, literal): ([TextRule.Piece], [UInt8]) = ([], [])
        var hasSource = false
        let sources = sources(of: position, shape)
        var next = text.lowerBound
        while next < text.upperBound {
            let rest = next..<text.upperBound
            if let (piece, byteCount) = longest(sources, text, rest) {
                if !literal.isEmpty { pieces.append(.literal(literal)) }
                literal = []
                pieces.append(piece)
                hasSource = true
                next += byteCount
            } else if Self.isLiteral(values[next]) {
                literal.append(values[next])
                next += 1
            } else {
                return nil
            }
        }
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        let rule = TextRule(position: position, pieces: pieces)
        let others = shape.rules.filter { $0.position < position }
        let isValid = TextRule.areValid(others + [rule], nameCount: shape.names.count)
        return hasSource && isValid && satisfy(rule) ? rule : nil
    }

    /// The texts from which a rule may be made, longer ones not first.
    private func sources(of position: Int, _ shape: Shape) -> [TextRule.Piece] {
        var sources: [TextRule.Piece] = []
        for name in keyNames {
            guard case .string(let key)? = item[name] else { continue }
            for start in Self.starts(Array(key.utf8)[...]) {
                sources.append(.key(name, dropping: start))
            }
        }
        for (source, name) in shape.names.enumerated() {
            guard source != position, let text = text(at: source),
                text.count <= TextRule.byteCountMax,
                !ruledNames.contains(where: { ByteOrder.equal($0, name) }),
                !shape.rules.contains(where: { $0.position == source })
            else { continue }
            for start in Self.starts(values[text]) {
                sources.append(.attribute(source, dropping: start))
            }
        }
        return sources
    }

    /// The numbers of bytes after which words of a text begin.
    private static func starts(_ text: ArraySlice<UInt8>) -> [Int] {
        var starts = text.isEmpty ? [] : [0]
        for place in text.indices.dropFirst() {
            guard starts.count < startCountMax else { break }
            if !isWord(text[place - 1]), isWord(text[place]) {
                starts.append(place - text.startIndex)
            }
        }
        return starts
    }

    /// The source with which `rest` begins, if it begins and ends where words do.
    private func longest(
        _ sources: [TextRule.Piece], _ text: Range<Int>, _ rest: Range<Int>
    ) -> (piece: TextRule.Piece, byteCount: Int)? {
        let start = rest.lowerBound
        guard start == text.lowerBound || !Self.isWord(values[start - 1]) else { return nil }
        var found: (piece: TextRule.Piece, byteCount: Int)?
        for source in sources {
            guard let byteCount = byteCount(of: source, in: rest), byteCount > 0,
                byteCount > found?.byteCount ?? 0
            else { continue }
            let end = start + byteCount
            guard end == text.upperBound || !Self.isWord(values[end]) else { continue }
            found = (source, byteCount)
        }
        return found
    }

    /// Whether a byte belongs to a word: a letter or digit, or a byte of another character.
    private static func isWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || isDigit(byte) || isLetter(byte | 0x20)
    }

    /// Whether a byte may be one of a literal: a capital letter or punctuation of ASCII.
    ///
    /// Shapes are never removed, so they must not have data.
    private static func isLiteral(_ byte: UInt8) -> Bool {
        guard byte > UInt8(ascii: " "), byte < 0x7F else { return false }
        return !isDigit(byte) && !isLetter(byte)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
}
