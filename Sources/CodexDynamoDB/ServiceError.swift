internal import CodexCore
internal import Synchronization

/// An error in DynamoDB's form: "Error handling with DynamoDB" in its developer guide.
struct ServiceError: Error {
    /// The type's name, such as `ValidationException`.
    let type: String
    let message: String
    /// The failure of each action of a transaction.
    var reasons: [Reason]?
    /// The stored items whose conditions failed, if the request asks for them.
    var items: FailureItems?
    /// Whether the error is one of the whole request, even if it is found in one of its actions.
    var isOfRequest = false

    /// The failure of an action of a transaction; its code is `None` if the action did not fail.
    struct Reason {
        let code: String
        var message: String?
    }

    init(_ type: String, _ message: String) {
        self.type = type
        self.message = message
    }

    static func validation(_ message: String) -> ServiceError {
        ServiceError("ValidationException", message)
    }

    /// The error of a whole request, also if it is found in an action of a transaction.
    static func ofRequest(_ message: String) -> ServiceError {
        var error = validation(message)
        error.isOfRequest = true
        return error
    }

    /// The error for a request whose JSON has the wrong shape.
    static func serialization(_ message: String) -> ServiceError {
        ServiceError("SerializationException", message)
    }

    /// The error for a request that gets no memory now.
    static var outOfMemory: ServiceError {
        ServiceError("ThrottlingException", DynamoDBResponse.outOfMemoryMessage)
    }

    /// The error for a request whose response would have more bytes than it may.
    static func responseTooLarge(_ byteCountMax: Int) -> ServiceError {
        .validation(
            "The response would have more than \(byteCountMax) bytes. Ask for fewer items, or for "
                + "some of their attributes")
    }

    /// The error for a request whose time was over before it changed anything.
    static var outOfTime: ServiceError {
        ServiceError("ThrottlingException", DynamoDBResponse.outOfTimeMessage)
    }

    static var tableNotFound: ServiceError {
        ServiceError("ResourceNotFoundException", Messages.tableNotFound)
    }

    /// The HTTP status.
    var status: Int { type == "InternalServerError" ? 500 : 400 }

    /// Whether its items are written on the executor for long work.
    var isLarge: Bool { (items?.byteCount ?? 0) >= RequestBudget.smallByteCount }

    /// Creates the response, and reserves the memory of each part of its items.
    ///
    /// It drops the items. The response of a cancelled transaction has the codes and messages of
    /// all actions, and the items before the first one that exceeds
    /// ``ResponseWriter/cancellationByteCountMax``.
    ///
    /// - Throws: As ``ResponseWriter/reserve(_:)``.
    func response(_ budget: RequestBudget) throws -> DynamoDBResponse {
        var response = ResponseWriter(errorType: type, message)
        if let reasons {
            try response.objects("CancellationReasons", reasons.enumerated()) { entry, reason in
                entry.string("Code", reason.element.code)
                if let message = reason.element.message { entry.string("Message", message) }
                try items?.write(
                    reason.offset, to: &entry, upTo: ResponseWriter.cancellationByteCountMax,
                    budget)
            }
        } else {
            try items?.write(0, to: &response, upTo: ResponseWriter.byteCountMax, budget)
        }
        if items != nil { try response.reserve(budget) }
        return DynamoDBResponse(status: status, parts: response.close())
    }
}

/// The stored items that an error returns, by the indexes of the actions, and their memory.
final class FailureItems: Sendable {
    /// The size of all items in memory, and the inflated size of all others.
    let byteCount: Int
    private let items: Mutex<[CodexError.CurrentItem?]>
    private let memory: DecodedMemory

    /// Creates the items of the errors of all actions; `nil` if there is no item.
    init?(_ errors: [CodexError?], _ memory: DecodedMemory) {
        let items = errors.map { $0?.failedItem }
        guard items.contains(where: { $0 != nil }) else { return nil }
        byteCount = items.reduce(0) { $0 + Self.byteCount(of: $1) }
        self.items = Mutex(items)
        self.memory = memory
    }

    private static func byteCount(of item: CodexError.CurrentItem?) -> Int {
        switch item {
        case nil: 0
        case .decoded(let item)?: item.byteCount
        case .stored(let item)?: item.inflatedByteCount
        }
    }

    /// Writes an item, if there is one, and drops it.
    ///
    /// If the response would have more than `byteCountMax` bytes, it gets neither this item nor
    /// later ones. An attempt for each of them could cost much, and add nothing.
    ///
    /// - Throws: As ``ResponseWriter/reserve(_:)``, and the errors of reading the item.
    func write(
        _ place: Int, to response: inout ResponseWriter, upTo byteCountMax: Int,
        _ budget: RequestBudget
    ) throws {
        guard let item = take(place) else { return }
        let isWritten = try response.attempt(upTo: byteCountMax, budget) { response in
            try Self.write(item, to: &response, budget)
        }
        guard isWritten else { return release() }
        memory.release(downTo: max(0, memory.byteCount - Self.reservedByteCount(of: item)))
    }

    private func take(_ place: Int) -> CodexError.CurrentItem? {
        items.withLock { items -> CodexError.CurrentItem? in
            guard items.indices.contains(place) else { return nil }
            defer { items[place] = nil }
            return items[place]
        }
    }

    private static func write(
        _ item: CodexError.CurrentItem, to response: inout ResponseWriter, _ budget: RequestBudget
    ) throws {
        switch item {
        case .decoded(let item):
            try response.item("Item", item, byteCount: item.byteCount, budget)
        case .stored(let item):
            // The limit for the decoded items of a transaction may be reached already.
            let memory = budget.decodedMemory()
            defer { memory.release() }
            try response.item("Item", item, memory, budget)
        }
    }

    /// The bytes that were reserved for an item, or some less.
    private static func reservedByteCount(of item: CodexError.CurrentItem) -> Int {
        switch item {
        // The first portion of decoding needs no reservation.
        case .decoded(let item): max(0, item.memoryByteCount - DecodingBudget.portionByteCount)
        case .stored(let item): item.memoryByteCount
        }
    }

    /// Drops all items, and releases their memory.
    func release() {
        items.withLock { $0 = [] }
        memory.release()
    }
}

extension ServiceError {
    /// Translates an error of the store for DynamoDB's clients.
    init(_ error: any Error) {
        if let failure = error as? ServiceError {
            self = failure
            return
        }
        guard let error = error as? CodexError else {
            self.init("InternalServerError", "The request failed: \(Swift.type(of: error)).")
            return
        }
        switch error.code {
        case .conditionFailed, .uniqueViolation:
            self.init("ConditionalCheckFailedException", Messages.conditionFailed)
        case .unknownTable: self = .tableNotFound
        case .transactionCancelled:
            self.init(
                cancelledFor: error.reasons.map { $0.map(Self.reason) ?? Reason(code: "None") })
        case .idempotencyMismatch:
            self.init("IdempotentParameterMismatchException", Messages.differentRequest)
        case .duplicateTarget: self = .validation(Messages.severalOperationsOnItem)
        case .itemTooLarge: self = .validation(ItemMessages.itemTooLarge)
        case .queueFull:
            self.init("ThrottlingException", "Too many writes wait. Try again later.")
        case .outOfMemory: self = .outOfMemory
        case .following, .readOnly, .keyUnavailable:
            self.init("AccessDeniedException", error.message)
        case .changesTrimmed:
            self.init(
                "TrimmedDataAccessException",
                "The requested records are beyond the retention period of the stream.")
        case .invalidJSON: self = .serialization(error.message)
        case .invalidSchema, .schemaMismatch: self = TableMessages.unfit(error)
        case .indexNotReady:
            // What follows names calls of the store's API.
            let problem = error.message.split(separator: ". ", maxSplits: 1).first
            self = .validation(problem.map(String.init) ?? "The index is being built")
        case .invalidNumber, .invalidItem, .invalidKey, .keyTooLong, .invalidPath,
            .invalidExpression, .invalidArgument, .invalidIdentifier, .invalidPageToken,
            .typeMismatch, .missingAttribute, .unknownIndex, .transactionTooLarge:
            self = .validation(ExpressionMessages.text(for: error) ?? error.message)
        default: self.init("InternalServerError", "The store refused: \(error.code).")
        }
    }

    /// The error for a transaction in which some actions fail.
    init(cancelledFor reasons: [Reason]) {
        self.init("TransactionCanceledException", Messages.cancelled(reasons.map(\.code)))
        self.reasons = reasons
    }

    private static func reason(_ error: CodexError) -> Reason {
        switch error.code {
        case .conditionFailed, .uniqueViolation:
            Reason(code: "ConditionalCheckFailed", message: Messages.conditionFailed)
        default:
            // Items that are put are checked with the request, so the first text is of an update.
            Reason(
                code: "ValidationError",
                message: ExpressionMessages.text(ofUpdate: error)
                    ?? ExpressionMessages.text(for: error) ?? error.message)
        }
    }
}
