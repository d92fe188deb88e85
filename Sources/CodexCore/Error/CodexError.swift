/// The error that every Codex operation throws: a code, the problem, and the remedy.
///
/// Match on ``code``; messages are for people and may change. Neither ``message`` nor
/// ``description`` contains attribute values or key values of users' items.
///
/// ```swift
/// do {
///     try await store.insert(user)
/// } catch CodexError.Code.conditionFailed {
///     // another write was faster
/// }
/// ```
public struct CodexError: Error, Sendable {
    /// All that an error has; a copy of it is changed to add the context.
    private struct Details: Sendable {
        let code: Code
        var message: String
        let cause: (any Error)?
        /// Whether the cause's text may have user data, so that ``description`` leaves it out.
        var hidesCause = false
        var currentItem: CurrentItem?
        var reasons: [CodexError?] = []
        var position: Int?
        var violation: RuleViolation?
        var refusal: Refusal?
        var parameter: String?
        var entity: String?
        var attributePath: String?
        var itemIndex: Int?
        var key: PrimaryKey?
        let fileID: String
        let line: Int
    }

    /// Keeps an error at the size of a reference.
    private final class Storage: Sendable {
        let details: Details

        init(_ details: Details) { self.details = details }
    }

    /// The stored item that made a condition fail.
    package enum CurrentItem: Sendable {
        /// The item in memory.
        case decoded(Item)
        /// The item in its stored form.
        case stored(StoredItem)
    }

    private let storage: Storage

    private var details: Details { storage.details }

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - code: The kind of failure, for programs.
    ///   - message: The problem and its remedy, for people; it contains no user data.
    ///   - cause: The underlying error, if any.
    ///   - currentItem: The stored item that made a condition fail.
    ///   - reasons: With ``Code/transactionCancelled``, the error of each action.
    ///   - violation: With ``Code/ruleViolated``, the rule, the field and the values.
    ///   - fileID: The file that creates the error.
    ///   - line: The line that creates the error.
    public init(
        _ code: Code,
        _ message: String,
        cause: (any Error)? = nil,
        currentItem: Item? = nil,
        reasons: [CodexError?] = [],
        violation: RuleViolation? = nil,
        fileID: String = #fileID,
        line: Int = #line
    ) {
        storage = Storage(
            Details(
                code: code, message: message, cause: cause,
                currentItem: currentItem.map(CurrentItem.decoded), reasons: reasons,
                violation: violation, fileID: fileID, line: line))
    }

    /// Creates the error of a condition that failed for an item in its stored form.
    package init(
        _ code: Code, _ message: String, storedItem: StoredItem?, fileID: String = #fileID,
        line: Int = #line
    ) {
        storage = Storage(
            Details(
                code: code, message: message, cause: nil,
                currentItem: storedItem.map(CurrentItem.stored), fileID: fileID, line: line))
    }

    /// Creates an error with its exact problem.
    package init(
        _ code: Code, _ message: String, _ refusal: Refusal?, fileID: String = #fileID,
        line: Int = #line
    ) {
        storage = Storage(
            Details(
                code: code, message: message, cause: nil, refusal: refusal, fileID: fileID,
                line: line))
    }

    private init(_ details: Details) { storage = Storage(details) }

    private func with(_ change: (inout Details) -> Void) -> CodexError {
        var details = details
        change(&details)
        return CodexError(details)
    }

    /// The same error, for the action at `position` of a list.
    package func at(_ position: Int) -> CodexError { with { $0.position = position } }

    /// The error of the only action, if the error is of a list of one.
    package var ofOnlyAction: CodexError {
        code == .transactionCancelled && reasons.count == 1 ? reasons[0] ?? self : self
    }

    /// The same error without the stored item.
    package var withoutItem: CodexError {
        details.currentItem == nil ? self : with { $0.currentItem = nil }
    }

    /// The same error with one more sentence at the end of its message.
    package func adding(_ sentence: String) -> CodexError {
        with { $0.message += " \(sentence)" }
    }

    /// The same error, for an expression in a parameter of a request.
    package func naming(_ parameter: String) -> CodexError {
        with {
            $0.message = "Invalid \(parameter): \($0.message)"
            $0.parameter = parameter
        }
    }

    /// The exact problem, if the error has one.
    package var refusal: Refusal? { details.refusal }

    /// The parameter with the expression that was refused, if it is known.
    package var parameter: String? { details.parameter }

    /// The same error, whose ``description`` names only the type of the cause.
    package var hidingCause: CodexError { with { $0.hidesCause = true } }

    /// The position of the failed action in a list, if the error belongs to one.
    package var position: Int? { details.position }

    /// The kind of failure.
    public var code: Code { details.code }
    /// The problem and its remedy, for people.
    ///
    /// The entity and the index of the item are named at the end, if the error has them.
    public var message: String { details.message + context }
    /// The underlying error, for example of a failed system call, or of a type's `Codable` code.
    public var cause: (any Error)? { details.cause }
    /// The stored item, with ``Code/conditionFailed`` and ``Code/versionMismatch``; `nil` if there
    /// is none.
    ///
    /// It is user data, so do not log it without care.
    ///
    /// - Complexity: O(*n*) in the number of the item's values, for the condition of an action that
    ///   only checks it.
    public var currentItem: Item? {
        switch details.currentItem {
        case nil: nil
        case .decoded(let item)?: item
        case .stored(let item)?: try? item.item()
        }
    }
    /// The stored item that made a condition fail, in the form in which the error has it.
    package var failedItem: CurrentItem? { details.currentItem }
    /// With ``Code/transactionCancelled``, one entry for each action of the list, in order.
    ///
    /// The entry is `nil` for an action that did not fail.
    public var reasons: [CodexError?] { details.reasons }
    /// With ``Code/ruleViolated``, the broken rule with the field and the values that broke it.
    ///
    /// The values are user data, so do not log them without care.
    public var violation: RuleViolation? { details.violation }
    /// The place in Codex's sources that made the error, as `file:line`.
    public var location: String { "\(details.fileID):\(details.line)" }

    /// Lets `catch CodexError.Code.closed` match by code.
    public static func ~= (code: Code, error: CodexError) -> Bool { error.code == code }
}

// MARK: Context

extension CodexError {
    /// The stored name of the entity that was read or written; `nil` if there is none.
    public var entity: String? { details.entity }

    /// The path to the attribute that could not be read or stored, with indices:
    /// `parts[1].quantity`.
    ///
    /// It is `nil` if the error belongs to no attribute. The path may contain keys of a dictionary.
    /// They are user data: ``message`` has `*` in their places.
    public var attributePath: String? { details.attributePath }

    /// The index of the item among the items of the page or batch, from 0; `nil` for one item.
    ///
    /// Only items of the entity count. Items that `onFailure` got before count too.
    public var itemIndex: Int? { details.itemIndex }

    /// The primary key of the item that could not be read or written, if it is known.
    ///
    /// It is user data, so do not log it without care. Neither ``message`` nor ``description``
    /// contains it.
    public var key: PrimaryKey? { details.key }

    /// The same error with the entity, unless it has one.
    package func inEntity(_ name: String) -> CodexError {
        details.entity == nil ? with { $0.entity = name } : self
    }

    /// The same error with the path of an attribute, unless it has one or the path is empty.
    package func at(path: String) -> CodexError {
        guard details.attributePath == nil, !path.isEmpty else { return self }
        return with { $0.attributePath = path }
    }

    /// The same error with an item's index and key, unless it has them.
    package func inItem(_ index: Int? = nil, key: PrimaryKey? = nil) -> CodexError {
        with {
            $0.itemIndex = $0.itemIndex ?? index
            $0.key = $0.key ?? key
        }
    }

    /// Whether the error is of one item, so that the next item may be read.
    ///
    /// Other errors are of the store, the process or the device.
    package var isOfItem: Bool { !Self.codesBesideItems.contains(code) }

    private static let codesBesideItems: Set<Code> = [
        .cancelled, .closed, .diskFull, .filesReplaced, .forked, .inUse, .inputOutput,
        .limitReached, .lockTimeout, .needsRecovery, .outOfMemory, .tooManyReaders, .unknownTable,
    ]

    /// The end of the message: what the text of the problem does not say.
    private var context: String {
        var parts: [String] = []
        if let entity = details.entity, !details.message.contains(entity) {
            parts.append("entity \(entity)")
        }
        if let index = details.itemIndex { parts.append("item at index \(index)") }
        return parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))"
    }
}

extension CodexError: Equatable {
    /// Two errors are equal if their codes are equal; only ``code`` is compared.
    public static func == (lhs: Self, rhs: Self) -> Bool { lhs.code == rhs.code }
}

extension CodexError: CustomStringConvertible {
    /// The code and the message, and the cause if there is one.
    ///
    /// It contains no user data. So it has only the type of a cause whose text may contain values:
    /// an error of a `Codable` type, or an error of Swift's encoders and decoders.
    public var description: String { "\(code): \(message)\(tail)" }

    private var tail: String {
        guard let cause = details.cause else { return "" }
        let isHidden = details.hidesCause || cause is DecodingError || cause is EncodingError
        return isHidden ? " (\(type(of: cause)))" : " (\(cause))"
    }
}

/// Lets `catch CodexError.Code.closed` match any error by its code.
public func ~= (code: CodexError.Code, error: any Error) -> Bool {
    (error as? CodexError)?.code == code
}
