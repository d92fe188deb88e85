internal import CodexCore
internal import FoundationEssentials

/// A command with its arguments, as far as they can be compared.
struct CommandCall: Sendable {
    let name: String
    private(set) var arguments: AttributeMap

    /// Creates a call.
    ///
    /// - Parameters:
    ///   - name: The command's name.
    ///   - arguments: The arguments; `nil` is an argument that was not given.
    init(_ name: String, _ arguments: [String: (any AttributeConvertible)?]) {
        self.name = name
        self.arguments = AttributeMap(
            arguments.compactMap { name, value in value.map { (name, $0.attributeValue) } })
    }

    /// The call with the elements of one of its commits.
    func with(_ elements: [AttributeValue]) -> Self {
        var copy = self
        copy.arguments["elements"] = elements.attributeValue
        return copy
    }

    /// The call with further arguments, which the command itself does not take.
    func comparing(_ further: AttributeMap) -> Self {
        guard !further.isEmpty else { return self }
        var copy = self
        copy.arguments["further"] = .map(further)
        return copy
    }

    /// What a closure makes of a new entity, to compare closures of commands that create one.
    static func effect<E: Entity>(
        of body: (inout E) throws -> Void, on new: E
    ) -> AttributeValue {
        var copy = new
        do {
            try body(&copy)
            return .map(try copy.item())
        } catch {
            return "The closure or the entity has an error."
        }
    }
}

/// The use of an idempotency key for a command.
struct CommandUse: Sendable {
    private let keyHash: String
    private let command: String
    private let fingerprint: String

    /// The bytes of a stored result above which attributes are left out.
    private static let resultByteCountMax = 300_000
    /// Most bytes of a stored result: an item has at most 400 KB.
    private static let storedByteCountMax = 400_000
    /// Most levels of lists and maps in an attribute of a stored entity.
    ///
    /// The record has the entity in a map, in the list of a batch, in two more maps.
    static let levelCountMax = DynamoDBLimits.nestingDepthMax - 4

    /// Creates the use of a key.
    ///
    /// - Throws: ``CodexError/Code/invalidArgument`` if the key is empty or too long.
    init(of key: String, for call: CommandCall, part: Int? = nil) throws(CodexError) {
        keyHash = try Self.hash(of: key, part: part)
        command = call.name
        fingerprint = SHA256.hexadecimal(DynamoDBJSON.text(call.arguments))
    }

    private static func hash(of key: String, part: Int? = nil) throws(CodexError) -> String {
        let byteCountMax = CodexFlow.Limits.idempotencyKeyByteCountMax
        guard (1...byteCountMax).contains(key.utf8.count) else {
            throw CodexError(
                .invalidArgument, "An idempotency key has 1 to \(byteCountMax) bytes.")
        }
        return SHA256.hexadecimal(part.map { "\(key)\u{0}\($0)" } ?? key)
    }

    /// Throws if a command with a key is remembered; `nil` is no key.
    ///
    /// - Throws: ``CodexError/Code/conditionFailed``; ``CodexError/Code/invalidArgument`` if the
    ///   key is empty or too long; the errors of reading.
    static func requireUnused(
        _ key: String?, in context: CodexFlow.DecisionContext
    ) throws {
        guard let key, let record = try context.get(.commandRecord(hash(of: key))) else { return }
        guard !isKept(record, at: context.now) else {
            throw CodexError(
                .conditionFailed,
                "The command with the idempotency key has happened already, so nothing comes "
                    + "before it. Send that command again to get its result.")
        }
    }

    /// The known reads of a command that looks for a key first; `nil` is no key.
    static func reading(_ key: String?, and known: KnownReads) -> KnownReads {
        // The decision itself refuses an invalid key.
        guard let key, let keyHash = try? hash(of: key) else { return known }
        return known.and { _ = try $0.get(.commandRecord(keyHash)) }
    }

    private static func isKept(_ record: CodexFlow.CommandRecord, at now: Date) -> Bool {
        Double(record.expiresAt) > now.timeIntervalSince1970
    }

    /// Reads the record of the first command with the key.
    func readRecord(_ reader: any CodexFlow.DecisionReader) throws {
        _ = try reader.get(.commandRecord(keyHash))
    }

    /// The result of the first command with the key; `nil` if there is none, or if it has expired.
    ///
    /// - Throws: ``CodexError/Code/idempotencyMismatch`` if the key came with another command or
    ///   other arguments.
    func known<Outcome: CommandOutcome>(
        in context: CodexFlow.DecisionContext, as type: Outcome.Type
    ) throws -> Outcome? {
        guard let record = try context.get(.commandRecord(keyHash)),
            Self.isKept(record, at: context.now)
        else { return nil }
        guard record.command == command, record.fingerprint == fingerprint else {
            throw Self.mismatch
        }
        return try Outcome.restored(record.result, context)
    }

    /// The error of a key that came with another command or other arguments.
    static var mismatch: CodexError {
        CodexError(
            .idempotencyMismatch,
            "The idempotency key was used for another command, or with other arguments. Use one "
                + "key for one command.")
    }

    /// Stores the result of a command in its commit.
    ///
    /// - Throws: ``CodexError/Code/itemTooLarge`` if a command on many elements has too large a
    ///   result; the errors of reading.
    func remember(
        _ outcome: some CommandOutcome, in context: CodexFlow.DecisionContext
    ) throws {
        let result = try outcome.stored(within: Self.resultByteCountMax)
        guard result?.byteCount ?? 0 <= Self.storedByteCountMax else {
            throw CodexError(
                .itemTooLarge,
                "The result of a commit is too large to be stored with the idempotency key. Use a "
                    + "smaller batchCount.")
        }
        let seconds = context.now.timeIntervalSince1970.rounded(.up)
        let record = CodexFlow.CommandRecord(
            keyHash: keyHash, command: command, fingerprint: fingerprint,
            result: result,
            expiresAt: Int(seconds) + CodexFlow.Limits.idempotencySeconds)
        // One that has expired may still be stored.
        if try context.get(.commandRecord(keyHash)) == nil {
            context.insert(record)
        } else {
            context.replace(record)
        }
    }
}

extension AttributeValue {
    /// Whether lists and maps are nested in the value, itself included, in more than `count`
    /// levels.
    ///
    /// - Complexity: Looks at `count` levels.
    func isNested(over count: Int) -> Bool {
        switch self {
        case .list(let values): count <= 0 || values.contains { $0.isNested(over: count - 1) }
        case .map(let map): count <= 0 || map.contains { $0.value.isNested(over: count - 1) }
        case .string, .number, .binary, .bool, .null, .stringSet, .numberSet, .binarySet: false
        }
    }
}
