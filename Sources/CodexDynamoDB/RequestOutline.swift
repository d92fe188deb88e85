internal import CodexCore

/// The tables that a request names, the number of its actions, and the keys of its indexes.
///
/// It is read from the body alone, before the request is performed. A body that is malformed, or
/// names a table in another way than DynamoDB's parameters do, has no tables.
package struct RequestOutline: Sendable {
    /// The names of the tables.
    package private(set) var tables: Set<String> = []
    /// The number of actions of a transaction, or of statements; 0 for other requests.
    package private(set) var actionCount = 0
    /// Whether the request makes an index whose key has several attributes of one kind.
    package private(set) var hasCompositeIndexKey = false

    /// The most bytes of a text that may name a table: the longest is a PartiQL statement.
    private static let textByteCountMax = 8 << 10
    /// The most actions that are read: DynamoDB's limit for a transaction.
    private static let actionCountMax = DynamoDBLimits.transactionActionCountMax
    /// The most indexes that are read: more than a table can have.
    private static let indexCountMax = 100

    /// Reads the outline of a request.
    ///
    /// - Parameters:
    ///   - body: The request's body.
    ///   - budget: The request's budget.
    package init(_ body: [UInt8], _ budget: RequestBudget) {
        guard let document = try? JSONValue(checking: body, budget),
            let members = try? document.members()
        else { return }
        for member in members { add(member.name, member.value) }
    }

    private mutating func add(_ name: String, _ value: JSONValue) {
        switch name {
        case "TableName", "TableArn", "ResourceArn", "StreamArn":
            add(table: Self.text(value))
        case "ShardIterator":
            add(table: Self.text(value)?.split(separator: "|").first.map(String.init))
        case "RequestItems":
            for table in Self.members(value) { add(table: table.name) }
        case "TransactItems":
            for action in actions(value) {
                for parameter in Self.members(action).flatMap({ Self.members($0.value) })
                where parameter.name == "TableName" {
                    add(table: Self.text(parameter.value))
                }
            }
        case "GlobalSecondaryIndexes":
            for index in Self.elements(value) { add(keyOf: index) }
        case "GlobalSecondaryIndexUpdates":
            for change in Self.elements(value).flatMap(Self.members) { add(keyOf: change.value) }
        case "Statement":
            add(table: Self.text(value).flatMap(Self.table(ofStatement:)))
        case "Statements", "TransactStatements":
            for action in actions(value) {
                for parameter in Self.members(action) where parameter.name == "Statement" {
                    add(parameter.name, parameter.value)
                }
            }
        default: break
        }
    }

    /// Adds a table by its name or by an ARN that names it.
    private mutating func add(table: String?) {
        guard let table else { return }
        guard table.hasPrefix(TableReference.prefix) else {
            tables.insert(table)
            return
        }
        if let arn = TableARN(table) { tables.insert(arn.table) }
    }

    /// Adds the key of an index.
    private mutating func add(keyOf index: JSONValue) {
        for member in Self.members(index) where member.name == "KeySchema" {
            let kinds = Self.elements(member.value).flatMap(Self.members)
                .filter { $0.name == "KeyType" }.map { Self.text($0.value) }
            if kinds.count > Set(kinds).count { hasCompositeIndexKey = true }
        }
    }

    /// The first elements of a list of indexes, or of their keys.
    private static func elements(_ value: JSONValue) -> ArraySlice<JSONValue> {
        ((try? value.elements()) ?? []).prefix(indexCountMax)
    }

    /// The elements of a list of actions, which are counted.
    private mutating func actions(_ value: JSONValue) -> ArraySlice<JSONValue> {
        let elements = (try? value.elements()) ?? []
        let actions = elements.prefix(Self.actionCountMax)
        actionCount = actions.count
        return actions
    }

    private static func members(_ value: JSONValue) -> [(name: String, value: JSONValue)] {
        (try? value.members()) ?? []
    }

    private static func text(_ value: JSONValue) -> String? {
        var memory = TextMemory(value.text)
        return try? value.string(byteCountMax: textByteCountMax, &memory)
    }

    // MARK: Statements

    /// The table of a PartiQL statement: the name after `FROM`, `INTO` or `UPDATE`.
    ///
    /// - Parameter statement: The statement, which need not be valid.
    /// - Returns: The name, without quotes and without an index; `nil` if there is none.
    static func table(ofStatement statement: String) -> String? {
        var rest = Substring(statement)
        var isNext = false
        while let first = rest.first {
            if first == "'" || first == "\"" {
                let word = rest.dropFirst().prefix { $0 != first }
                rest = rest.dropFirst().drop { $0 != first }.dropFirst()
                if isNext { return String(word) }
            } else if isNameCharacter(first) {
                let word = rest.prefix(while: isNameCharacter)
                rest = rest.dropFirst(word.count)
                if isNext { return String(word) }
                isNext = ["from", "into", "update"].contains(word.lowercased())
            } else {
                rest = rest.dropFirst()
            }
        }
        return nil
    }

    private static func isNameCharacter(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_" || character == "-"
    }
}
