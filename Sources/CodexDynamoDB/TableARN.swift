/// The ARN of a table, or of a part of one: `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/PART`.
struct TableARN {
    let table: String
    let owner: TableOwner
    /// The words after the table's name, such as `stream` and a label; none for the table.
    let part: [String]

    /// Reads an ARN of any partition, region and account; `nil` for other text.
    init?(_ text: String) {
        let fields = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard fields.count == 6, fields[0] == "arn", fields[2] == "dynamodb",
            fields[1...4].allSatisfy({ !$0.isEmpty })
        else { return nil }
        let words = fields[5].split(separator: "/", omittingEmptySubsequences: false)
        guard words.count >= 2, words[0] == "table", Self.isName(words[1]) else { return nil }
        table = String(words[1])
        owner = TableOwner(region: String(fields[3]), account: String(fields[4]))
        part = words.dropFirst(2).map(String.init)
    }

    /// Whether a text may be the name of a table.
    private static func isName(_ text: Substring) -> Bool {
        (1...255).contains(text.utf8.count) && text.utf8.allSatisfy(TableReference.isNameByte)
    }

    /// Whether requests can name the table: no request makes one with a shorter name.
    private var isServed: Bool { table.utf8.count >= 3 }

    /// Whether it is the ARN of a table itself, which requests can name.
    var namesTable: Bool { part.isEmpty && isServed }

    /// The most bytes of a stream's label, which is a time.
    private static let labelByteCountMax = 64

    /// The label of a stream; `nil` for another part.
    var streamLabel: String? {
        guard part.count == 2, part[0] == "stream",
            (1...Self.labelByteCountMax).contains(part[1].utf8.count)
        else { return nil }
        return part[1]
    }

    // MARK: Tags

    /// The table whose tags a request names.
    ///
    /// - Parameters:
    ///   - arn: The ARN in the request.
    ///   - owner: The owner of all tables.
    /// - Returns: The table's name.
    /// - Throws: `ValidationException` and `AccessDeniedException`, as AWS for each fault.
    static func tagged(_ arn: String, by owner: TableOwner) throws -> String {
        guard arn.hasPrefix("arn:") else { throw SettingMessages.noPrefix(arn) }
        let fields = arn.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard fields.count == 6 else { throw SettingMessages.invalidARN(arn) }
        guard fields[2] == "dynamodb" else { throw SettingMessages.denied }
        guard fields[5].hasPrefix("table/") else { throw SettingMessages.noResource(arn) }
        guard let known = TableARN(arn), known.isServed else {
            throw SettingMessages.invalidARN(arn)
        }
        guard known.owner.account == owner.account else { throw SettingMessages.denied }
        guard known.owner.region == owner.region else { throw SettingMessages.invalidARN(arn) }
        guard known.part.isEmpty else {
            throw known.streamLabel == nil
                ? SettingMessages.noTable(arn) : SettingMessages.invalidARN(arn)
        }
        return known.table
    }
}
