public import CodexCore
internal import CodexIndex

extension WriteTransaction {
    /// Performs all actions, or none of them.
    ///
    /// The actions name different items, and their common outcome is checked. Conditions see the
    /// items as they were before the list. Two items may exchange their keys in a unique index.
    ///
    /// - Parameters:
    ///   - actions: The actions.
    ///   - token: DynamoDB's `ClientRequestToken`. A list with a token is performed once within ten
    ///     minutes (``DynamoDBLimits/idempotencyWindowSeconds``), even if it is sent again. That
    ///     holds for all processes and across a restart. After a restart or a jump of the clock,
    ///     the store remembers the token for longer (``StoreOptions/clockConfirmation``).
    /// - Returns: Whether the actions were done now; `false` if the token had been seen.
    /// - Throws: ``CodexError/Code/transactionCancelled`` with a reason for each action that
    ///   failed, as single operations report it; ``CodexError/Code/duplicateTarget`` if two actions
    ///   name the same item; ``CodexError/Code/unknownTable``, ``CodexError/Code/invalidKey`` and
    ///   ``CodexError/Code/keyTooLong`` if an action names no valid item, before any action is
    ///   checked; ``CodexError/Code/idempotencyMismatch`` if the token came with other actions;
    ///   ``CodexError/Code/keyUnavailable`` if the schema names encrypted fields and the store was
    ///   opened without their keys; ``CodexError/Code/invalidArgument`` for an empty or over-long
    ///   token.
    @discardableResult
    public mutating func perform(
        _ actions: [WriteAction], idempotencyToken token: String? = nil
    ) throws(CodexError) -> Bool {
        try perform(
            actions, idempotencyToken: token, within: nil, keepingItem: { _ in true }
        ) { _, _ in }
    }

    /// Performs all actions, or none of them, within limits for all of them together.
    ///
    /// - Parameters:
    ///   - actions: The actions.
    ///   - token: As for ``perform(_:idempotencyToken:)``.
    ///   - limits: The limits for all actions together; `nil` is no limit.
    ///   - keepsItem: Returns whether the reason of a failed condition has the stored item. It gets
    ///     the place of the action.
    ///   - judged: Gets the place of each action that succeeds, and its effect.
    /// - Returns: Whether the actions were done now.
    /// - Throws: As ``perform(_:idempotencyToken:)``; ``CodexError/Code/transactionTooLarge`` if
    ///   the actions exceed the limit of bytes; ``CodexError/Code/outOfMemory`` if ``memory`` is
    ///   refused.
    package mutating func perform(
        _ actions: [WriteAction], idempotencyToken token: String?, within limits: ActionLimits?,
        keepingItem keepsItem: (_ place: Int) -> Bool,
        _ judged: (_ place: Int, _ effect: ActionEffect) -> Void
    ) throws(CodexError) -> Bool {
        if let failure = context.failure { throw failure }
        guard let token else {
            try ActionList(context).perform(actions, limits, keepsItem, judged)
            return true
        }
        let request = try IdempotentRequest(token, actions, context.core.options.deletionTimes)
        let tokens = IdempotencyTokens(context)
        guard try tokens.isNew(request) else { return false }
        let digest = try tokens.digest(of: request)
        try ActionList(context).perform(actions, limits, keepsItem, judged)
        try tokens.remember(request, digest)
        return true
    }
}

/// The effect of an action that succeeds.
package enum ActionEffect {
    /// The action only checked a condition on an item of this size, 0 if there is no item.
    case checked(byteCount: Int)
    /// The item before and after the action.
    case written(old: Item?, new: Item?)
}

/// Checks the actions of a list by their common outcome, and makes all of their changes or none.
struct ActionList {
    private let context: WriteContext
    private var writes: ItemWrites { context.writes }

    init(_ context: WriteContext) { self.context = context }

    func perform(
        _ actions: [WriteAction], _ limits: ActionLimits?, _ keepsItem: (_ place: Int) -> Bool,
        _ judged: (_ place: Int, _ effect: ActionEffect) -> Void
    ) throws(CodexError) {
        let targets = try targets(actions)
        var account = ActionAccount(limits)
        var changes: [Change] = []
        var positions: [Int] = []
        var reasons: [CodexError?] = []
        // The memory before the list, and that of the items that the reasons have.
        let firstByteCount = reservedByteCount
        var reasonByteCount = 0
        for (action, target) in zip(actions, targets) {
            let before = reservedByteCount
            do throws(CodexError) {
                let (effect, change) = try judge(action, target, &account)
                judged(reasons.count, effect)
                if let change {
                    changes.append(change)
                    positions.append(reasons.count)
                } else {
                    context.memory?.release(downTo: before)
                }
                reasons.append(nil)
            } catch {
                if Self.endsList(error) { throw error }
                try account.fail(error)
                let reason = keepsItem(reasons.count) ? error : error.withoutItem
                try adjustMemory(to: reason.failedItem, after: before)
                reasonByteCount += reservedByteCount - before
                reasons.append(reason)
            }
        }
        guard reasons.allSatisfy({ $0 == nil }) else {
            // Other changes may be refused on their own: report them in the same error.
            for (change, position) in zip(changes, positions) {
                reasons[position] = context.items.refusal(of: change)
            }
            // The changes are not made, so their items leave the memory.
            changes = []
            context.memory?.release(downTo: firstByteCount + reasonByteCount)
            throw Self.cancelled(reasons)
        }
        do throws(CodexError) {
            try context.items.change(changes)
        } catch {
            guard context.failure == nil, let position = error.position else { throw error }
            for (change, position) in zip(changes, positions) {
                reasons[position] = context.items.refusal(of: change)
            }
            reasons[positions[position]] = error
            throw Self.cancelled(reasons)
        }
    }

    /// The memory that is reserved for decoded items.
    private var reservedByteCount: Int { context.memory?.byteCount ?? 0 }

    /// Keeps only the memory of the item that the error of an action has.
    ///
    /// - Parameters:
    ///   - item: The item; `nil` if the error has none.
    ///   - before: The memory that was reserved before the action.
    /// - Throws: ``CodexError/Code/outOfMemory``.
    private func adjustMemory(
        to item: CodexError.CurrentItem?, after before: Int
    ) throws(CodexError) {
        switch item {
        case nil: context.memory?.release(downTo: before)
        case .decoded?: return
        case .stored(let item)?: try context.memory?.adjust(to: before + item.memoryByteCount)
        }
    }

    /// Whether an error concerns the whole list, not one action.
    private static func endsList(_ error: CodexError) -> Bool {
        error.cause is LMDBFailure || error.code == .transactionTooLarge
            || error.code == .outOfMemory
    }

    /// Performs an action on its item, without changing what is stored.
    ///
    /// - Returns: The effect of the action, and the change to make; `nil` if nothing changes.
    private func judge(
        _ action: WriteAction, _ target: Target, _ account: inout ActionAccount
    ) throws(CodexError) -> (effect: ActionEffect, change: Change?) {
        // Without steps the condition cannot hold, so its item is not read.
        if account.isExhausted, action.hasCondition { throw ItemWrites.tooManySteps }
        if case .check(_, _, let condition) = action {
            let byteCount = try writes.check(condition, target.table, target.encoded, &account)
            return (.checked(byteCount: byteCount), nil)
        }
        let old = try writes.current(target.table, target.encoded)
        try account.begin(old?.item)
        let outcome = try image(after: action, target, old, &account.stepCount)
        let new = if let outcome { outcome.image?.item } else { old?.item }
        try account.end(new)
        let change = outcome.map {
            Change(table: target.table, key: target.encoded, old: old, new: $0.image)
        }
        return (.written(old: old?.item, new: new), change)
    }

    /// The item that an action reads or changes.
    private struct Target {
        let table: TableHandle
        let key: PrimaryKey
        let encoded: [UInt8]
    }

    /// The result of an action on an item; a `nil` image is a deletion.
    private struct Outcome {
        let image: Image?
    }

    /// The result of the action on `old`; `nil` if nothing changes.
    private func image(
        after action: WriteAction, _ target: Target, _ old: Image?, _ steps: inout Int
    ) throws(CodexError) -> Outcome? {
        switch action {
        case .put(_, let item, let condition):
            try condition?.validate()
            try writes.require(condition, old, &steps)
            var new = try writes.replacing(target.table, target.key, old, with: item)
            // Here, so that an error belongs to the action, and limits see the whole item.
            try new.derive(context.catalog)
            return Outcome(image: new)
        case .update(_, let key, let update, let condition):
            try condition?.validate()
            try writes.validate(update, target.table)
            try writes.require(condition, old, &steps)
            guard var new = try writes.updating(target.table, key, old, by: update) else {
                return nil
            }
            try new.derive(context.catalog)
            // A few clauses can turn a small item into a large one.
            try context.memory?.reserve(new.item.memoryByteCount)
            return Outcome(image: new)
        case .delete(_, _, let condition):
            try condition?.validate()
            try writes.require(condition, old, &steps)
            return old == nil ? nil : Outcome(image: nil)
        case .check: return nil
        }
    }

    private static func cancelled(_ reasons: [CodexError?]) -> CodexError {
        let failed = reasons.indices.filter { reasons[$0] != nil }
        let codes = failed.prefix(5).map { "\($0): \(reasons[$0]?.code.description ?? "")" }
        return CodexError(
            .transactionCancelled,
            "Nothing of the list was done: \(failed.count) of its \(reasons.count) actions failed "
                + "(\(codes.joined(separator: ", "))\(failed.count > 5 ? ", …" : "")). See reasons.",
            reasons: reasons)
    }

    private func targets(_ actions: [WriteAction]) throws(CodexError) -> [Target] {
        var seen: Set<[UInt8]> = []
        var targets: [Target] = []
        for action in actions {
            let table: TableHandle
            let key: PrimaryKey
            switch action {
            case .put(let name, let item, _):
                table = try context.catalog.table(name)
                key = try table.plan.definition.primaryKey(of: item)
            case .update(let name, let target, _, _), .delete(let name, let target, _),
                .check(let name, let target, _):
                table = try context.catalog.table(name)
                key = target
            }
            var encoded: [UInt8] = []
            try table.plan.encode(key, into: &encoded)
            guard seen.insert(Array(table.name.utf8) + [0] + encoded).inserted else {
                throw CodexError(
                    .duplicateTarget, "Two actions of one list name the same item. Merge them.")
            }
            targets.append(Target(table: table, key: key, encoded: encoded))
        }
        return targets
    }
}

extension WriteAction {
    fileprivate var hasCondition: Bool {
        switch self {
        case .put(_, _, let condition), .update(_, _, _, let condition),
            .delete(_, _, let condition):
            condition != nil
        case .check: true
        }
    }
}
