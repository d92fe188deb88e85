import CodexCore
import CodexStore
import CrashSupport
import Foundation
import Synchronization

/// How a store is opened, by words like `interval=50`.
///
///     schema=no       without a schema; else with that of NumberedItems
///     indexes=COUNT   how many indexes its table has
///     readonly        for reading
///     interval=MS, dirty=BYTES, changes=COUNT   when checkpoints are due
///     retained=BYTES  how much of the log is kept
///     segment=BYTES   how large a segment gets
///     map=BYTES       how much address space is reserved
///     wait=MS         how long locks are waited for
///     snapshots=COUNT how many may be open at once
///     redone=BYTES    how much is redone in one transaction
///     level=none      without a flush for each commit
///     access=group, access=owner   who may use the files; else what the directory says
///     kill=STEP:N, stop=STEP:N   kills or stops the process when it passes a step the N-th time
struct DrivenOptions {
    private var values: [String: String] = [:]

    init(_ words: [String]) {
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            values[parts[0]] = parts.count > 1 ? parts[1] : ""
        }
    }

    var schema: Schema? {
        if values["schema"] == "no" { return nil }
        return NumberedItems.schema(indexCount: number("indexes") ?? 0)
    }

    func options(_ events: EventLog) -> StoreOptions {
        var options = StoreOptions(
            isReadOnly: values["readonly"] != nil,
            durability: values["level"] == "none" ? .none : .everyCommit)
        setBounds(&options)
        setCheckpoints(&options.checkpoints)
        options.observer = { events.add($0) }
        if let step = LastStep(values["kill"], SIGKILL) ?? LastStep(values["stop"], SIGSTOP) {
            options.parts.reached = { step.reached($0) }
        }
        return options
    }

    private func setBounds(_ options: inout StoreOptions) {
        if let count = number("retained") { options.changeRetention.byteCount = count }
        if let count = number("segment") { options.logSegmentByteCountMax = count }
        if let count = number("map") { options.mapByteCount = count }
        if let count = number("snapshots") { options.maximumSnapshots = count }
        if let count = number("redone") { options.redoneByteCountMax = count }
        if let time = number("wait") { options.lockTimeout = .milliseconds(time) }
        if let access = values["access"] {
            options.fileAccess = access == "group" ? .group : .owner
        }
    }

    private func setCheckpoints(_ policy: inout CheckpointPolicy) {
        if let time = number("interval") { policy.interval = .milliseconds(time) }
        if let count = number("dirty") { policy.dirtyByteCount = count }
        if let count = number("changes") { policy.changeCount = count }
    }

    private func number(_ name: String) -> Int? { values[name].flatMap { Int($0) } }
}

/// A step of the protocol at which the process kills or stops itself.
final class LastStep: Sendable {
    private let step: ProtocolStep
    private let signal: Int32
    /// How often it is passed until then.
    private let countdown: Mutex<Int>

    /// Reads `STEP` or `STEP:N`.
    init?(_ text: String?, _ signal: Int32) {
        let parts = (text ?? "").split(separator: ":").map(String.init)
        guard let name = parts.first, let step = ProtocolStep(rawValue: name) else { return nil }
        self.step = step
        self.signal = signal
        countdown = Mutex(parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
    }

    func reached(_ reached: ProtocolStep) {
        guard reached == step else { return }
        let isLast = countdown.withLock { countdown in
            countdown -= 1
            return countdown == 0
        }
        // To this thread: another one might take the signal while this one goes on.
        if isLast { raise(signal) }
    }
}
