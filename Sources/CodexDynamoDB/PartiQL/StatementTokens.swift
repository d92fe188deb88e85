internal import CodexCore

/// Makes and reads the tokens that continue a statement.
///
/// A token has a version, a fingerprint, the time, the place of a query among those of the
/// statement, and the last key. A CRC-32 of all of them follows. The form is URL-safe base64. The
/// fingerprint identifies the statement, its parameters and its table.
///
/// A token is not secret. A client that may run the statement may continue it at any key that the
/// statement reads, and only there.
struct StatementTokens: Sendable {
    /// Where a statement continues.
    struct Position {
        /// The place of the query.
        let place: Int
        /// The key after which it continues.
        let key: Item
    }

    private let statement: String
    private let parameters: [AttributeValue]
    private let tableID: String
    /// The attributes of the last key.
    private let keys: [KeyAttribute]
    /// The present time in milliseconds since 1970.
    private let milliseconds: Int

    private static let version: UInt8 = 1
    private static let fingerprintByteCount = 16
    private static let headByteCount = 1 + fingerprintByteCount + 8 + 2
    private static let checksumByteCount = 4
    /// How long a token is valid, in milliseconds.
    ///
    /// Source: "How do I use PartiQL for DynamoDB", repost.aws/knowledge-center.
    static let validMilliseconds = 3_600_000
    /// The longest token: "NextToken" in the reference of ExecuteStatement.
    static let byteCountMax = 32_768

    /// Prepares the tokens of a statement.
    ///
    /// - Parameters:
    ///   - statement: The statement as it was written.
    ///   - parameters: Its parameters.
    ///   - target: What it reads.
    ///   - milliseconds: The present time in milliseconds since 1970.
    init(
        _ statement: String, _ parameters: [AttributeValue], _ target: StatementTarget,
        milliseconds: Int
    ) {
        (self.statement, self.parameters, tableID) = (statement, parameters, target.tableID)
        keys = target.startKeys
        self.milliseconds = milliseconds
    }

    /// The digest of what a token belongs to.
    ///
    /// It is computed only for tokens, because most statements have none.
    private var fingerprint: [UInt8] {
        var bytes: [UInt8] = []
        let item: Item = ["parameters": .list(parameters), "statement": .string(statement)]
        WriteAction.put(table: tableID, item).appendCanonical(to: &bytes)
        return Array(SHA256.digest(bytes).prefix(Self.fingerprintByteCount))
    }

    /// The token that continues after a key.
    func token(at place: Int, after key: Item) -> String {
        var bytes = [Self.version] + fingerprint
        Self.append(UInt64(milliseconds), 8, to: &bytes)
        Self.append(UInt64(place), 2, to: &bytes)
        for attribute in keys {
            let content = Self.content(key[attribute.name])
            Self.append(UInt64(content.count), 2, to: &bytes)
            bytes += content
        }
        return Base64.encodeURL(bytes + Self.checksum(bytes[...]))
    }

    /// Reads a token of the same statement.
    ///
    /// - Parameters:
    ///   - token: The token.
    ///   - placeCount: The number of the statement's queries.
    /// - Returns: Where the statement continues.
    /// - Throws: `ValidationException`.
    func position(of token: String, placeCount: Int) throws -> Position {
        guard let whole = Base64.decodeURL(token),
            whole.count >= Self.headByteCount + Self.checksumByteCount,
            whole.first == Self.version,
            Self.checksum(whole.dropLast(Self.checksumByteCount))
                == Array(whole.suffix(Self.checksumByteCount))
        else { throw StatementRefusals.invalidToken }
        var rest = whole.dropFirst().dropLast(Self.checksumByteCount)
        guard Array(rest.prefix(Self.fingerprintByteCount)) == fingerprint else {
            throw StatementRefusals.otherToken
        }
        rest = rest.dropFirst(Self.fingerprintByteCount)
        guard let time = Self.take(8, from: &rest).flatMap({ Int(exactly: $0) }),
            let place = Self.take(2, from: &rest).map({ Int($0) }), place < placeCount,
            let key = key(from: rest)
        else { throw StatementRefusals.invalidToken }
        guard milliseconds - time <= Self.validMilliseconds else {
            throw StatementRefusals.expiredToken
        }
        return Position(place: place, key: key)
    }

    // MARK: Bytes

    /// The content of a key's value; no key has other types.
    private static func content(_ value: AttributeValue?) -> [UInt8] {
        switch value {
        case .string(let text)?: Array(text.utf8)
        case .number(let number)?: Array(number.description.utf8)
        case .binary(let bytes)?: bytes
        default: []
        }
    }

    /// The key in the rest of a token; `nil` if it has another form.
    private func key(from bytes: ArraySlice<UInt8>) -> Item? {
        var (rest, key) = (bytes, Item())
        for attribute in keys {
            guard let count = Self.take(2, from: &rest).map({ Int($0) }), count <= rest.count else {
                return nil
            }
            let content = rest.prefix(count)
            rest = rest.dropFirst(count)
            switch attribute.type {
            case .string:
                guard let text = String(validating: content, as: UTF8.self) else { return nil }
                key[attribute.name] = .string(text)
            case .number:
                let text = String(decoding: content, as: UTF8.self)
                guard let number = try? Number(parsing: text) else { return nil }
                key[attribute.name] = .number(number)
            case .binary: key[attribute.name] = .binary(Array(content))
            }
        }
        return rest.isEmpty ? key : nil
    }

    private static func append(_ integer: UInt64, _ byteCount: Int, to bytes: inout [UInt8]) {
        for place in (0..<byteCount).reversed() {
            bytes.append(UInt8(truncatingIfNeeded: integer >> (8 * UInt64(place))))
        }
    }

    /// An integer at the start of some bytes; `nil` if they are too few.
    private static func take(_ byteCount: Int, from bytes: inout ArraySlice<UInt8>) -> UInt64? {
        guard bytes.count >= byteCount else { return nil }
        let integer = bytes.prefix(byteCount).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        bytes = bytes.dropFirst(byteCount)
        return integer
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var sum: [UInt8] = []
        append(UInt64(Compression.checksum(bytes)), checksumByteCount, to: &sum)
        return sum
    }
}
