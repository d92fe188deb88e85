import Codex
import Foundation
import Synchronization

/// What a process did, which it prints when it ends.
struct WorkerReport: Codable, Sendable {
    /// The operations that were tried.
    var tried = 0
    /// The operations that did what they should, or that a rule of the service refused.
    var succeeded = 0
    /// The operations that failed, by the code of the error.
    var failures: [String: Int] = [:]
    /// The status of each order that the process created, by its last acknowledged write.
    var orders: [String: WorkOrder.Status] = [:]
    /// The orders that the process created as urgent.
    var urgent: Set<String> = []
    /// The orders of all processes that this one completed.
    var shared: Set<String> = []
    /// The queries by the new index that were refused since items await the migration.
    var pendingCount = 0
}

/// A process of the service under load: it reads, and once it is told to, also writes.
///
/// It takes a command in each line of its input. `write` begins to write. `work` prints `worked`
/// after some more rounds of operations. `migrate` migrates beside the operations, and prints
/// `migrated` with the number of items. `stop` ends the process, as the end of the input does. It
/// prints `ready` at the beginning, and its report as JSON at the end.
struct Worker<Order: ServiceOrder>: Sendable {
    let name: String
    let store: Store
    let control = WorkerControl()

    private var dispatch: Dispatch<Order> { Dispatch(store: store) }

    /// The rounds after which a process says that it worked.
    private static var roundCount: Int { 40 }

    /// Works until the input says `stop` or ends.
    func run() async throws -> WorkerReport {
        control.readCommands()
        // The index that a release adds is built while other processes write.
        try await store.waitUntilReady()
        say("ready")
        var report = WorkerReport()
        var migrations: [Task<Void, any Error>] = []
        var due: Int?
        // An end also for a process whose input is never closed.
        for round in 0..<1_000_000 {
            let commands = control.next()
            if commands.isStopped { break }
            if commands.reports { due = round + Self.roundCount }
            if commands.migrates { migrations.append(Task { try await migrate() }) }
            if commands.writes {
                await writeOwn(round, &report)
                await completeShared(round, &report)
            }
            readAll(round, &report)
            if round == due { say("worked") }
            await Task.yield()
        }
        for migration in migrations { try await migration.value }
        return report
    }

    /// Prints a line at once, also into a pipe.
    func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

    private func migrate() async throws {
        let report = try await store.migrate(Order.self)
        guard report.failureCount == 0 else {
            say("failed \(report.failures.map(\.error))")
            return
        }
        say("migrated \(report.migratedCount)")
    }

    // MARK: Operations

    /// Creates an order, schedules it and, except for each fourth, completes it.
    private func writeOwn(_ round: Int, _ report: inout WorkerReport) async {
        let id = "\(name)-\(round)"
        let isUrgent = round % 3 == 0
        let isCreated = await attempt(&report) {
            let site = ServiceWorld.sites[round % ServiceWorld.sites.count]
            try await dispatch.create(id, at: site, title: "Pump", isUrgent: isUrgent)
        }
        guard isCreated else { return }
        report.orders[id] = .open
        if isUrgent { report.urgent.insert(id) }
        let day = ServiceWorld.firstDay.adding(days: round / 4)
        let isScheduled = await attempt(&report) {
            try await dispatch.schedule(id, for: name, on: day)
        }
        guard isScheduled else { return }
        report.orders[id] = .scheduled
        guard round % 4 != 3 else { return }
        let isDone = await attempt(&report) {
            try await dispatch.complete(id, by: name, from: Date(), minutes: 30)
        }
        if isDone { report.orders[id] = .done }
    }

    /// Completes an order that the other processes try to complete, too.
    private func completeShared(_ round: Int, _ report: inout WorkerReport) async {
        let id = ServiceWorld.sharedOrder(round)
        var isFirst = false
        await attempt(&report) {
            do {
                let technician = ServiceWorld.sharedTechnician
                try await dispatch.complete(id, by: technician, from: Date(), minutes: 10)
                isFirst = true
            } catch Refusal.notScheduled {
                // Another process was first.
            }
        }
        if isFirst { report.shared.insert(id) }
    }

    private func readAll(_ round: Int, _ report: inout WorkerReport) {
        let site = ServiceWorld.sites[round % ServiceWorld.sites.count].id
        attempt(&report) {
            let lookup = Lookup<Order>(["id": ServiceWorld.sharedOrder(round)])
            guard try store.get(lookup) != nil else { throw Missing() }
        }
        attempt(&report) {
            let open = try store.all(Query<Order>("openBySite", ["site": site]))
            guard open.allSatisfy({ $0.status != .done }) else { throw Missing() }
        }
        attempt(&report) { _ = try dispatch.counts(at: site) }
        guard let urgent = Order.urgentOrders(at: site) else { return }
        var isPending = false
        attempt(&report) {
            do {
                _ = try store.all(urgent)
            } catch CodexError.Code.migrationPending {
                isPending = true
            }
        }
        if isPending { report.pendingCount += 1 }
    }

    /// An answer of the store that cannot be true.
    private struct Missing: Error {}

    @discardableResult
    private func attempt(
        _ report: inout WorkerReport, _ body: () async throws -> Void
    ) async -> Bool {
        do {
            try await body()
            report.count(nil)
            return true
        } catch {
            report.count(error)
            return false
        }
    }

    private func attempt(_ report: inout WorkerReport, _ body: () throws -> Void) {
        do {
            try body()
            report.count(nil)
        } catch {
            report.count(error)
        }
    }
}

extension WorkerReport {
    fileprivate mutating func count(_ error: (any Error)?) {
        tried += 1
        guard let error else {
            succeeded += 1
            return
        }
        let name = (error as? CodexError)?.code.description ?? "\(error)"
        failures[name, default: 0] += 1
    }
}

/// The commands that a process was given.
final class WorkerControl: Sendable {
    struct Commands {
        var writes = false
        var isStopped = false
        /// Whether a migration was asked for since the last look.
        var migrates = false
        /// Whether a line after some more rounds was asked for since the last look.
        var reports = false
    }

    private let commands = Mutex(Commands())

    /// The commands so far.
    func next() -> Commands {
        commands.withLock { commands in
            defer { (commands.migrates, commands.reports) = (false, false) }
            return commands
        }
    }

    /// Reads commands in another thread, until the input ends.
    func readCommands() {
        Thread.detachNewThread {
            while let line = readLine() {
                self.commands.withLock { commands in
                    switch line {
                    case "write": commands.writes = true
                    case "migrate": commands.migrates = true
                    case "work": commands.reports = true
                    default: commands.isStopped = true
                    }
                }
            }
            self.commands.withLock { $0.isStopped = true }
        }
    }
}
