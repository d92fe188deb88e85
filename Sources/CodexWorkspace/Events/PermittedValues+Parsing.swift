internal import CodexCore

extension PermittedValues {
    /// Reads a list of permitted values and tests.
    ///
    /// - Parameters:
    ///   - nodes: The list.
    ///   - names: The names that lead to the field.
    /// - Throws: ``CodexError/Code/invalidPattern`` with the error and its place.
    init(_ nodes: [JSONNode], at names: [String]) throws(CodexError) {
        guard !nodes.isEmpty else {
            throw EventPatternParser.invalid(names, "a list of values is empty")
        }
        self.init()
        let reader = OperandReader(names: names)
        for node in nodes {
            switch node {
            case .object: try add(node, reader)
            case .string(let text):
                if let address = NetworkAddress(text) {
                    addresses.insert(address)
                } else {
                    values.insert(.string(text))
                }
            case .number(let text): values.insert(.number(try reader.number(text)))
            case .bool(let flag): values.insert(.bool(flag))
            case .null: values.insert(.null)
            case .array:
                throw reader.invalid("a value, or an object with one operator, is expected")
            }
        }
    }

    /// Adds an operator with its operand.
    private mutating func add(_ node: JSONNode, _ reader: OperandReader) throws(CodexError) {
        let (name, operand) = try reader.member(of: node)
        switch (name, operand) {
        case ("exists", .bool(let exists)):
            if exists { tests.append(.exists) } else { permitsAbsence = true }
        case ("exactly", .string(let text)): values.insert(.string(text))
        default: tests.append(try reader.test(name, operand))
        }
    }
}

/// A reader of the operators of one field.
private struct OperandReader {
    let names: [String]

    func invalid(_ problem: String) -> CodexError { EventPatternParser.invalid(names, problem) }

    /// The one member of an object.
    func member(of node: JSONNode) throws(CodexError) -> (name: String, value: JSONNode) {
        guard case .object(let members) = node, members.count == 1, let member = members.first
        else { throw invalid("an object with one operator is expected") }
        return member
    }

    func test(_ name: String, _ operand: JSONNode) throws(CodexError) -> ValueTest {
        switch (name, operand) {
        case ("prefix", .string(let text)): return .prefix(Array(text.utf8))
        case ("prefix", .object): return .prefixIgnoringCase(try caseless(operand))
        case ("suffix", .string(let text)): return .suffix(Array(text.utf8))
        case ("suffix", .object): return .suffixIgnoringCase(try caseless(operand))
        case ("equals-ignore-case", .string(let text)):
            return .equalsIgnoringCase(CaselessText(text))
        case ("wildcard", .string(let text)): return .wildcard(try wildcard(text))
        case ("numeric", .array(let parts)): return .numeric(try bounds(parts))
        case ("cidr", .string(let text)):
            guard let block = AddressBlock(text) else {
                throw invalid(
                    "cidr has an address, a slash and a number of bits below the address's")
            }
            return .cidr(block)
        case ("anything-but", _): return .anythingBut(try excluded(operand))
        default: throw invalid("the operator is not known, or its operand is of a wrong type")
        }
    }

    /// The text of `{"equals-ignore-case": …}`.
    private func caseless(_ node: JSONNode) throws(CodexError) -> CaselessText {
        let (name, operand) = try member(of: node)
        guard name == "equals-ignore-case", case .string(let text) = operand else {
            throw invalid("text, or equals-ignore-case with text, is expected")
        }
        return CaselessText(text)
    }

    // MARK: Wildcards

    /// Parses a wildcard; a backslash escapes a star or a backslash.
    private func wildcard(_ text: String) throws(CodexError) -> Wildcard {
        var pieces: [[UInt8]] = []
        var piece: [UInt8] = []
        var isEscaped = false
        var isAfterStar = false
        for byte in text.utf8 {
            if isEscaped {
                guard byte == UInt8(ascii: "*") || byte == UInt8(ascii: "\\") else {
                    throw invalid("a backslash stands before a star or another one")
                }
                piece.append(byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "*") {
                guard !isAfterStar else { throw invalid("two stars in a row") }
                pieces.append(piece)
                piece = []
                isAfterStar = true
                continue
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else {
                piece.append(byte)
            }
            isAfterStar = false
        }
        guard !isEscaped else { throw invalid("a backslash stands at the end") }
        return Wildcard(pieces + [piece])
    }

    // MARK: Numbers

    /// A number that is compared for equality.
    func number(_ text: String) throws(CodexError) -> Number {
        do throws(CodexError) {
            return try Number(parsing: text)
        } catch {
            throw invalid("a number has more than 38 digits, or is out of range")
        }
    }

    /// A number that Event Ruler compares by value.
    private func comparable(_ text: String) throws(CodexError) -> Number {
        let number = try number(text)
        guard NumberBound.canCompare(number) else {
            throw invalid("a number has at most 6 decimals and a magnitude of at most 5e11")
        }
        return number
    }

    private func bounds(_ parts: [JSONNode]) throws(CodexError) -> [NumberBound] {
        guard parts.count == 2 || parts.count == 4 else {
            throw invalid("numeric has one comparison or two")
        }
        var bounds = [try bound(parts[0], parts[1])]
        guard parts.count == 4 else { return bounds }
        bounds.append(try bound(parts[2], parts[3]))
        guard bounds[0].comparison.isLower, bounds[1].comparison.isUpper,
            bounds[0].number < bounds[1].number
        else { throw invalid("a numeric range has a lower bound, and then an upper one") }
        return bounds
    }

    private func bound(
        _ comparison: JSONNode, _ number: JSONNode
    ) throws(CodexError) -> NumberBound {
        guard case .string(let name) = comparison,
            let comparison = NumberBound.Comparison(rawValue: name),
            case .number(let text) = number
        else { throw invalid("numeric has comparisons, each with a number") }
        return NumberBound(comparison: comparison, number: try comparable(text))
    }

    // MARK: anything-but

    private func excluded(_ node: JSONNode) throws(CodexError) -> PermittedValues {
        switch node {
        case .string, .number: return try excludedValues([node])
        case .array(let nodes): return try excludedValues(nodes)
        case .object: return PermittedValues(tests: try excludedTests(node))
        case .bool, .null: throw invalid("anything-but has text, numbers, or a test of text")
        }
    }

    /// Text alone, or numbers alone.
    private func excludedValues(_ nodes: [JSONNode]) throws(CodexError) -> PermittedValues {
        var texts: Set<AttributeValue> = []
        var numbers: Set<AttributeValue> = []
        for node in nodes {
            switch node {
            case .string(let text): texts.insert(.string(text))
            case .number(let text): numbers.insert(.number(try comparable(text)))
            default: throw invalid("a list of anything-but has text or numbers")
            }
        }
        guard texts.isEmpty != numbers.isEmpty else {
            throw invalid("a list of anything-but has text alone or numbers alone")
        }
        return PermittedValues(values: texts.union(numbers))
    }

    /// The tests of `{"prefix": …}` and the like; the operand is a text or a list of them.
    private func excludedTests(_ node: JSONNode) throws(CodexError) -> [ValueTest] {
        let (name, operand) = try member(of: node)
        let nodes: [JSONNode] = if case .array(let nodes) = operand { nodes } else { [operand] }
        guard Self.excludingNames.contains(name), !nodes.isEmpty else {
            throw invalid("anything-but has prefix, suffix, equals-ignore-case or wildcard")
        }
        var tests: [ValueTest] = []
        for node in nodes {
            guard case .string(let text) = node else {
                throw invalid("text, or a list of text, is expected")
            }
            guard !text.isEmpty || !Self.affixNames.contains(name) else {
                throw invalid("an empty prefix or suffix excludes all text")
            }
            tests.append(try test(name, node))
        }
        return tests
    }

    /// The operators within `anything-but`.
    private static let excludingNames: Set<String> = affixNames.union([
        "equals-ignore-case", "wildcard",
    ])
    private static let affixNames: Set<String> = ["prefix", "suffix"]
}
