// The code of Docs/Guides/SeveralProcesses.md.

import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

struct Job: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "job", table: "jobs", keys: ["PK": "JOB#{id}"])
    static let state = Field<Self, String>("state")

    var id: String
    var state: String
    var worker: String?
}

struct JobLog: Codable, Entity, Equatable {
    static let definition = EntityDefinition(
        "log", table: "jobs", keys: ["PK": "LOG#{job}"])
    var job: String
}

let jobs = TableDefinition(
    "jobs", partitionKey: "PK",
    indexes: [
        IndexDefinition("byState", partitionKey: ["state"], sortKey: ["id"], entities: ["job"])
    ],
    counters: [CounterDefinition("perState", group: ["state"], entities: ["job"])])
let jobsSchema = Schema(tables: [jobs], types: [Job.self, JobLog.self])

extension Query where E == Job {
    static func jobs(in state: String) -> Self { Self("byState", Job.state(state)) }
}

/// Opens the store of all processes, with the same options in each.
func openJobs(at path: String, isReadOnly: Bool = false) throws -> Store {
    var options = StoreOptions(isReadOnly: isReadOnly)
    options.durability = .everyCommit
    options.changeRetention.age = .seconds(7 * 86_400)
    return try Store(at: path, schema: jobsSchema, options: options)
}

/// Claims the next waiting job for a worker; `nil` if there is none.
func claimJob(for worker: String, in store: Store) async throws -> Job? {
    try await store.write { transaction -> Job? in
        guard let job = try transaction.query(.jobs(in: "waiting"), limit: 1).items.first
        else { return nil }
        let lookup = Lookup<Job>(["id": job.id])
        return try transaction.update(lookup) { ($0.state, $0.worker) = ("running", worker) }
    }
}

@Suite("The guide: several processes")
struct GuideSeveralProcessesTests {
    @Test("Workers claim jobs, each job once")
    func workers() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/jobs.codex"
        let store = try openJobs(at: path)
        defer { store.close() }
        for number in 1...4 { try await store.put(Job(id: "\(number)", state: "waiting")) }

        async let first = claimJob(for: "first", in: store)
        async let second = claimJob(for: "second", in: store)
        let claimed = try await [first, second].compactMap { $0?.id }
        #expect(Set(claimed) == ["1", "2"])
        #expect(try store.total(of: "perState", in: "jobs", group: ["waiting"]).count == 2)
        #expect(throws: CodexError(.alreadyOpen, "")) { try openJobs(at: path) }
    }

    @Test("A worker waits for jobs of other processes")
    func waiting() async throws {
        let temporary = try TemporaryStore(schema: jobsSchema)
        let store = temporary.store
        let worker = Task { () -> String? in
            for try await waiting in store.observe(.jobs(in: "waiting")) where !waiting.isEmpty {
                guard let job = try await claimJob(for: "first", in: store) else { continue }
                return job.id
            }
            return nil
        }
        try await store.put(Job(id: "7", state: "waiting"))
        #expect(try await worker.value == "7")
    }

    @Test("A consumer gets each change once")
    func consumer() async throws {
        let temporary = try TemporaryStore(schema: jobsSchema)
        let store = temporary.store
        try await store.put(Job(id: "1", state: "done"))

        let filter = ChangeFilter(entities: ["job"])
        try await store.addConsumer("log", after: .trimHorizon, filter: filter)
        let consumer = Task {
            do {
                try await store.consume("log") { transaction, changes in
                    for change in changes {
                        guard let job = try change.new(as: Job.self), job.state == "done" else {
                            continue
                        }
                        try transaction.put(JobLog(job: job.id))
                    }
                }
            } catch {
                if !Task.isCancelled { print("the consumer log ended:", error) }
            }
        }
        let logged = Lookup<JobLog>(["job": "1"])
        for try await log in store.observe(logged) where log != nil { break }
        consumer.cancel()
        await consumer.value
        #expect(try store.get(logged) != nil)
    }

    @Test("A reader opens the store read-only")
    func reader() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/jobs.codex"
        let writer = try openJobs(at: path)
        try await writer.put(Job(id: "1", state: "waiting"))
        writer.close()

        let reader = try openJobs(at: path, isReadOnly: true)
        defer { reader.close() }
        let waiting = try reader.count(.jobs(in: "waiting"))
        print(waiting, "jobs are waiting")
        #expect(waiting == 1)
        await #expect(throws: CodexError(.readOnly, "")) {
            try await reader.put(Job(id: "2", state: "waiting"))
        }
    }
}
