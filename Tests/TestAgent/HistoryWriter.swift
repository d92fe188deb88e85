import CodexCore
import CodexStore
import CrashSupport
import Foundation
import Histories
import PlantedFaults
import Synchronization

/// Lets threads do random operations on lists, and records each before and after it, until it reads
/// a line, or is killed.
///
/// Arguments: the store, the directory of the records, the place of the process among its peers,
/// the number of its start, the number of threads, a seed, and optionally a ``HistoryFault``. It
/// records in the file `events-PLACE-STARTED.jsonl`. It prints
///
///     begun PLACE              it has opened the store
///     progress PLACE           50 more operations have ended
///     written PLACE            the store has accepted its first write
///     refused PLACE            the store accepts no more writes
///     unopened PLACE CODE      it could not open the store, as a full disk explains: the end
///     unexpected PLACE TEXT    something failed that nothing explains: the end
///     done PLACE               it has closed the store: the end
struct HistoryWriter {
    private let path: String
    private let directory: String
    private let place: Int
    private let number: Int
    private let threadCount: Int
    private let seed: UInt64
    private let fault: HistoryFault?

    init(_ arguments: [String]) {
        path = arguments[0]
        directory = arguments[1]
        place = Int(arguments[2]) ?? 0
        number = Int(arguments[3]) ?? 0
        threadCount = Int(arguments[4]) ?? 1
        seed = UInt64(arguments[5]) ?? 1
        fault = arguments.count > 6 ? HistoryFault(rawValue: arguments[6]) : nil
    }

    func run() throws {
        let pending = try pendingLists()
        let recorder = try HistoryRecorder(
            directory: directory, place: place, number: number, store: path)
        guard let store = open(recorder) else { return }
        let shared = HistoryProcess(
            store: store, recorder: recorder, keys: try ListKeys(store), fault: fault)
        say("begun \(place)")
        for (operation, steps) in pending { shared.repeatList(operation, steps) }
        let ended = DispatchSemaphore(value: 0)
        for thread in 0..<threadCount {
            let seed = seed &+ UInt64(thread) &* 0x9E37_79B9_7F4A_7C15
            Thread.detachNewThread {
                HistoryWorker(shared, seed: seed).run()
                ended.signal()
            }
        }
        for _ in 0..<threadCount { ended.wait() }
        store.close()
        say("done \(place)")
    }

    private func open(_ recorder: HistoryRecorder) -> Store? {
        var options = StoreOptions.crashing
        if fault == .noLog { options.plant(.noLog) }
        let begin = HistoryRecorder.now
        do throws(CodexError) {
            return try Store(
                at: path, schema: Schema(tables: [ListTable.definition]), options: options)
        } catch {
            if [.diskFull, .lockTimeout, .outcomeUnknown].contains(error.code) {
                recorder.recordFailedOpening(since: begin, error.code)
                say("unopened \(place) \(error.code)")
            } else {
                HistoryProcess.giveUp(place, error)
            }
            return nil
        }
    }

    /// The lists of actions of the processes before that have no answer: with their tokens they can
    /// be sent again.
    private func pendingLists() throws -> [(operation: Int, steps: [MicroOperation])] {
        var pending: [Int: [MicroOperation]] = [:]
        // Another process may have ended it; its file may come earlier in the order of names.
        var ended: Set<Int> = []
        for name in try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        where name.hasPrefix("events-\(place)-") {
            let url = URL(fileURLWithPath: "\(directory)/\(name)")
            let events = try HistoryReader.events(Array(Data(contentsOf: url)))
            for event in events where event.form == HistoryProcess.listForm {
                switch event.kind {
                case .invoke: pending[event.operation] = event.steps
                case .info: continue
                case .ok, .fail, .refused: ended.insert(event.operation)
                }
            }
        }
        return pending.filter { !ended.contains($0.key) }.sorted { $0.key < $1.key }
            .map { (operation: $0.key, steps: $0.value) }
    }
}

private func openForEvents(_ path: String) -> Int32 {
    open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
}

/// How many bytes one call writes.
private func writeOnce(_ bytes: [UInt8], to file: Int32) -> Int {
    bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
}

/// Records the operations of a process, each event by one call, so that a kill loses none.
final class HistoryRecorder: Sendable {
    /// The values of an operation: its number times this, and more.
    static let valueCountMax = 8
    private static let operationCountMax = 1_000_000
    private static let progressCount = 50
    /// The errors that only a full disk explains.
    private static let ofFullDisk: Set<CodexError.Code> = [
        .diskFull, .commitFailed, .outcomeUnknown, .writesRefused,
    ]

    let place: Int
    /// The directory that the store is in.
    private let parent: String
    private let file: Int32
    private let lastNumber: Atomic<Int>
    private let endedCount = Atomic(0)
    private let hasWritten = Atomic(false)

    init(directory: String, place: Int, number: Int, store: String) throws {
        self.place = place
        parent = URL(fileURLWithPath: store).deletingLastPathComponent().path
        lastNumber = Atomic(number * Self.operationCountMax)
        file = openForEvents("\(directory)/events-\(place)-\(number).jsonl")
        guard file >= 0 else { throw CrashFinding(description: "no file of events: \(errno)") }
    }

    /// A number that no other operation has.
    func nextNumber() -> Int { lastNumber.add(1, ordering: .relaxed).newValue }

    /// The monotonic clock, which all processes of the machine share.
    static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
    }

    /// Records that an operation is about to begin.
    func begin(_ operation: Int, _ form: String, _ steps: [MicroOperation]) {
        write(
            HistoryEvent(
                .invoke, at: Self.now, operation: operation, process: place, form: form,
                steps: steps))
    }

    /// Records that an operation has ended.
    func end(
        _ kind: HistoryEvent.Kind, _ operation: Int, _ form: String,
        _ steps: [MicroOperation] = [], code: CodexError.Code? = nil
    ) {
        write(
            HistoryEvent(
                kind, at: Self.now, operation: operation, process: place, form: form,
                steps: steps, code: code.map { "\($0)" }, freeByteCount: freeByteCount(code)))
        if kind == .ok, steps.contains(where: \.isAppend),
            !hasWritten.exchange(true, ordering: .relaxed)
        {
            say("written \(place)")
        }
        let count = endedCount.add(1, ordering: .relaxed).newValue
        if count % Self.progressCount == 0 { say("progress \(place)") }
    }

    /// Records that the store could not be opened, as an operation without steps.
    func recordFailedOpening(since begin: Int, _ code: CodexError.Code) {
        let operation = nextNumber()
        write(
            HistoryEvent(
                .invoke, at: begin, operation: operation, process: place, form: "open"))
        write(
            HistoryEvent(
                .fail, at: Self.now, operation: operation, process: place, form: "open",
                code: "\(code)", freeByteCount: freeByteCount(code)))
    }

    /// The free bytes of the store's disk, if an error may come from a full one.
    private func freeByteCount(_ code: CodexError.Code?) -> Int? {
        guard let code, Self.ofFullDisk.contains(code) else { return nil }
        return Self.freeByteCount(parent)
    }

    private static func freeByteCount(_ path: String) -> Int? {
        var info = statvfs()
        guard statvfs(path, &info) == 0 else { return nil }
        return Int(info.f_bavail) * Int(info.f_frsize)
    }

    private func write(_ event: HistoryEvent) {
        let bytes = Array(event.line.utf8)
        guard writeOnce(bytes, to: file) == bytes.count else {
            return HistoryProcess.giveUp(
                place, CrashFinding(description: "an event was not written: \(errno)"))
        }
    }
}

/// The keys that the threads of a process write now.
final class ListKeys: Sendable {
    /// The number of each slot's present key among those of the slot.
    private let generations: Mutex<[Int]>

    /// Finds the last key of each slot that a store has.
    init(_ store: Store) throws {
        let found = try (0..<ListTable.slotCount).map { slot in try Self.last(slot, store) }
        generations = Mutex(found)
    }

    private static func last(_ slot: Int, _ store: Store) throws -> Int {
        func exists(_ generation: Int) throws -> Bool {
            let key = ListTable.primaryKey(generation * ListTable.slotCount + slot)
            return try store.item(in: ListTable.name, key: key) != nil
        }
        // There is a key after another only if the other is full.
        var (low, high) = (0, 1)
        while try exists(high) { (low, high) = (high, high * 2) }
        while high - low > 1 {
            let middle = (low + high) / 2
            if try exists(middle) { low = middle } else { high = middle }
        }
        return low
    }

    /// Different keys; now and then one of those before.
    func pick(_ count: Int, _ dice: inout Dice) -> [Int] {
        var slots = Array(0..<ListTable.slotCount)
        slots.shuffle(using: &dice)
        let generations = self.generations.withLock { $0 }
        return slots.prefix(count).map { slot in
            let isOld = generations[slot] > 0 && dice.chance(10)
            let generation = generations[slot] - (isOld ? 1 : 0)
            return generation * ListTable.slotCount + slot
        }
    }

    /// Goes on with the next keys where lists are full.
    func note(_ steps: [MicroOperation]) {
        for case .read(let key, let list?) in steps where list.count >= ListTable.listCountMax {
            let (generation, slot) = key.quotientAndRemainder(dividingBy: ListTable.slotCount)
            generations.withLock { $0[slot] = max($0[slot], generation + 1) }
        }
    }
}

/// What the threads of a process share, and how their operations end.
final class HistoryProcess: Sendable {
    /// The form of lists of actions, which are sent again after a kill.
    static let listForm = "actions"

    let store: Store
    let recorder: HistoryRecorder
    let keys: ListKeys
    let fault: HistoryFault?
    /// Whether the item that made a condition fail counts as read.
    let readsRefusals = ProcessInfo.processInfo.environment["CODEX_HISTORY_REFUSALS"] != "0"
    let order = OrderToEnd()

    init(store: Store, recorder: HistoryRecorder, keys: ListKeys, fault: HistoryFault?) {
        (self.store, self.recorder, self.keys, self.fault) = (store, recorder, keys, fault)
    }

    /// Ends the process for something that nothing explains.
    static func giveUp(_ place: Int, _ error: any Error) {
        say("unexpected \(place) \(error)".split(separator: "\n").joined(separator: " "))
        exit(3)
    }

    /// With these a write has no effect, and will have none.
    private static let certain: Set<CodexError.Code> = [
        .conditionFailed, .transactionCancelled, .diskFull, .queueFull, .commitFailed,
        .transactionTooLarge, .writesRefused, .tooManyReaders,
    ]

    /// Records that an operation failed.
    ///
    /// - Parameters:
    ///   - operation: Its number.
    ///   - form: Its form.
    ///   - error: The error.
    ///   - steps: Its steps, which have its conditions.
    /// - Returns: Whether the process may go on.
    func fail(
        _ operation: Int, _ form: String, _ error: any Error, _ steps: [MicroOperation]
    ) -> Bool {
        guard let error = error as? CodexError else {
            Self.giveUp(recorder.place, error)
            return false
        }
        if error.code == .outcomeUnknown {
            recorder.end(.info, operation, form, code: error.code)
        } else if readsRefusals, [.conditionFailed, .transactionCancelled].contains(error.code) {
            refuse(operation, form, error, steps)
        } else if Self.certain.contains(error.code) {
            recorder.end(.fail, operation, form, code: error.code)
        } else {
            Self.giveUp(recorder.place, error)
        }
        guard error.code == .writesRefused else { return true }
        say("refused \(recorder.place)")
        return false
    }

    // MARK: Refusals

    /// Records that conditions did not hold, with the items that the error returned.
    private func refuse(
        _ operation: Int, _ form: String, _ error: CodexError, _ steps: [MicroOperation]
    ) {
        do {
            let found = try Self.refusal(error, steps)
            recorder.end(.refused, operation, form, found, code: error.code)
        } catch {
            Self.giveUp(recorder.place, error)
        }
    }

    /// The lists of the items that made conditions fail.
    ///
    /// - Throws: ``CrashFinding`` for a reason that no action of the workload can have.
    private static func refusal(
        _ error: CodexError, _ steps: [MicroOperation]
    ) throws -> [MicroOperation] {
        let keys = actionKeys(steps)
        let reasons: [CodexError?] = error.code == .conditionFailed ? [error] : error.reasons
        guard reasons.count == keys.count else {
            throw CrashFinding(
                description: "\(keys.count) actions have \(reasons.count) reasons")
        }
        var found: [MicroOperation] = []
        for (key, reason) in zip(keys, reasons) {
            guard let reason else { continue }
            guard reason.code == .conditionFailed else {
                throw CrashFinding(description: "an action failed: \(reason)")
            }
            found.append(.read(key: key, list: try ListTable.list(reason.currentItem)))
        }
        return found
    }

    // MARK: Lists of actions

    /// The token of a list of actions.
    static func token(_ operation: Int) -> String { "history-\(operation)" }

    /// The actions of an operation: a list that was read before is a condition.
    static func actions(_ steps: [MicroOperation]) -> [WriteAction] {
        var conditions: [Int: Condition] = [:]
        for case .read(let key, let list?) in steps { conditions[key] = ListTable.condition(list) }
        var actions: [WriteAction] = []
        for case .append(let key, let value) in steps {
            let condition = conditions.removeValue(forKey: key)
            actions.append(
                .update(
                    table: ListTable.name, key: ListTable.primaryKey(key),
                    ListTable.append(key, value), condition: condition))
        }
        for (key, condition) in conditions.sorted(by: { $0.key < $1.key }) {
            actions.append(
                .check(
                    table: ListTable.name, key: ListTable.primaryKey(key), condition: condition))
        }
        return actions
    }

    /// The keys of the actions, in the order of ``actions(_:)``.
    private static func actionKeys(_ steps: [MicroOperation]) -> [Int] {
        let appended = steps.filter(\.isAppend).map(\.key)
        return appended + Set(steps.map(\.key)).subtracting(appended).sorted()
    }

    /// Sends a list of actions with a token; returns whether it took effect now.
    @discardableResult
    func send(_ actions: [WriteAction], token: String?) throws -> Bool {
        try store.write { transaction in
            try transaction.perform(actions, idempotencyToken: token)
        }
    }

    /// Sends a list of actions again whose answer is not known.
    ///
    /// Only an answer that the store gives after it has looked for the token ends the operation.
    func repeatList(_ operation: Int, _ steps: [MicroOperation]) {
        do {
            try send(Self.actions(steps), token: Self.token(operation))
            recorder.end(.ok, operation, Self.listForm, steps)
        } catch let error as CodexError where error.code == .transactionCancelled {
            if readsRefusals {
                refuse(operation, Self.listForm, error, steps)
            } else {
                recorder.end(.fail, operation, Self.listForm, code: error.code)
            }
        } catch let error as CodexError
            where error.code == .outcomeUnknown || Self.certain.contains(error.code)
        {
            // It stays unknown.
            recorder.end(.info, operation, Self.listForm, code: error.code)
        } catch {
            Self.giveUp(recorder.place, error)
        }
    }
}
