/// Finds errors of a history that nothing explains.
struct FailureCheck {
    /// The errors that only a full disk explains.
    private static let ofFullDisk: Set<String> = [
        "diskFull", "commitFailed", "outcomeUnknown", "writesRefused",
    ]
    /// After this error, a store refuses writes until a recovery.
    private static let lasting = "writesRefused"

    private let history: History
    private let faults: FaultWindows
    /// The times in which the disk was full, as it was made or measured.
    private let full: [ClosedRange<Int>]

    init(_ history: History, _ faults: FaultWindows) {
        (self.history, self.faults) = (history, faults)
        full = faults.fullDisk + history.failures.filter(Self.isOnFullDisk).map(\.time)
    }

    /// The errors that nothing explains, the first of each code, and the refusals that are wrong.
    func findings() -> [Finding] {
        var findings = history.operations.compactMap { refusalFinding($0) }
        var reported: Set<String> = []
        for failure in history.failures where !isExplained(failure) {
            guard reported.insert(failure.code).inserted else { continue }
            findings.append(
                Finding(
                    .unexplainedFailure, operations: [failure.operation],
                    "operation \(failure.operation) failed with \(failure.code), and the disk "
                        + "was not full"))
        }
        return findings
    }

    // MARK: Full disks

    private static func isOnFullDisk(_ failure: History.Failure) -> Bool {
        guard let count = failure.freeByteCount else { return false }
        return count < FaultWindows.fullByteCountMax
    }

    private func isExplained(_ failure: History.Failure) -> Bool {
        if faults.isPlanted || !Self.ofFullDisk.contains(failure.code) { return true }
        if Self.isOnFullDisk(failure) { return true }
        var time = failure.time
        if failure.code == Self.lasting {
            let recovery = faults.recoveries.filter { $0 <= time.lowerBound }.max()
            time = (recovery ?? .min)...time.upperBound
        }
        return full.contains { $0.overlaps(time) }
    }

    // MARK: Refusals

    /// Finds a refusal that the lists of the returned items do not justify.
    ///
    /// Only the returned items are judged: other processes may have changed the items since.
    private func refusalFinding(_ operation: History.Operation) -> Finding? {
        guard let refusal = operation.refusal else { return nil }
        let name = "operation \(operation.number) (\(operation.form))"
        if refusal.isEmpty {
            return Finding(
                .wrongRefusal, operations: [operation.number],
                "\(name) was refused, and no action has a reason")
        }
        for case .read(let key, let found?) in refusal {
            guard let expected = condition(key, operation) else {
                return Finding(
                    .wrongRefusal, operations: [operation.number],
                    "\(name) was refused for key \(key), for which it has no condition")
            }
            guard expected.count != found.count else {
                return Finding(
                    .wrongRefusal, operations: [operation.number],
                    "\(name) was refused for key \(key), and \(found) satisfies its condition")
            }
        }
        return nil
    }

    /// The list whose number of values is the condition on a key; `nil` if there is no condition.
    private func condition(_ key: Int, _ operation: History.Operation) -> [Int]? {
        for case .read(key, let list?) in operation.steps { return list }
        return nil
    }
}
