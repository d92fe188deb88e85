// The ratios of the README: Codex against bare LMDB, in one run, on the same data.
//
// The store's directory is copied and the copy opened through LMDB's C API, since one process must
// not open an environment twice. Pairs are interleaved; medians of the rounds are compared.

import CBareLMDB
import CodexCore
import CodexStore
import Foundation

let taskCount = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 100_000
let only = CommandLine.arguments.dropFirst(2).first
let rounds = CommandLine.arguments.dropFirst(3).first.flatMap { Int($0) } ?? 15
let projectCount = max(1, taskCount / 1000)

// MARK: Data

func makeTask(_ number: Int) throws -> CodexFlow.Task {
    let project = number % projectCount
    var task = CodexFlow.Task(
        id: try .init(String(format: "t%07d", number)),
        projectID: try .init(String(format: "p%04d", project)),
        title: "Task number \(number): measure what it costs",
        assigneeID: try .init("u\(number % 500)"),
        status: CodexFlow.Task.Status.allCases[number % 6],
        createdAt: Date(timeIntervalSince1970: 1_762_300_800 + Double(number)))
    task.number = number
    task.kind = .feature
    task.priority = .high
    task.estimate = number % 13
    task.updatedAt = task.createdAt
    return task
}

let directory =
    NSTemporaryDirectory() + "/codex-ratios-\(ProcessInfo.processInfo.processIdentifier)"
try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(atPath: directory) }

do {
    let store = try Store(at: directory + "/store", schema: CodexFlow.schema)
    for start in stride(from: 0, to: taskCount, by: 5000) {
        let end = min(start + 5000, taskCount)
        try store.write { transaction in
            for number in start..<end { try transaction.put(try makeTask(number)) }
        }
    }
    store.close()
}
try FileManager.default.copyItem(atPath: directory + "/store", toPath: directory + "/bare")
let store = try Store(at: directory + "/store")
guard let bare = bare_open(directory + "/bare", "t1") else { fatalError("cannot open the copy") }

// MARK: Keys

final class Keys {
    var encoded: [[UInt8]] = []
}
let all = Keys()
bare_keys(bare, Unmanaged.passUnretained(all).toOpaque()) { context, bytes, length in
    guard let context, let bytes else { return }
    let keys = Unmanaged<Keys>.fromOpaque(context).takeUnretainedValue()
    keys.encoded.append(Array(UnsafeBufferPointer(start: bytes, count: length)))
}

struct Generator: RandomNumberGenerator {
    var state: UInt64 = 42
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
var generator = Generator()
let sample = (0..<20_000).map { _ in
    all.encoded[Int.random(in: 0..<all.encoded.count, using: &generator)]
}
let pairs = sample.map { key -> (String, String) in
    let parts = key.split(separator: 0)
    return (String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self))
}
let primaryKeys = pairs.map { PrimaryKey(.string($0.0), .string($0.1)) }
let lookups = primaryKeys.map { Lookup<CodexFlow.Task>(.primaryKey($0)) }
// Partitions of a thousand tasks each; a query takes the first hundred of one.
let projects = (0..<200).map { _ in
    String(format: "p%04d", Int.random(in: 0..<projectCount, using: &generator))
}
let queries = try projects.map { Query<CodexFlow.Task>.tasks(in: try .init($0)) }
let walkKeys = projects.map { Array("PROJECT#\($0)".utf8) + [0] + Array("TASK#".utf8) }

/// Lends C the addresses of the keys.
func withKeys<R>(
    _ keys: [[UInt8]],
    _ body: (UnsafePointer<UnsafePointer<UInt8>?>, UnsafePointer<Int>, Int) -> R
) -> R {
    let flat = keys.flatMap { $0 }
    var offsets: [Int] = []
    var offset = 0
    for key in keys {
        offsets.append(offset)
        offset += key.count
    }
    let lengths = keys.map(\.count)
    return flat.withUnsafeBufferPointer { buffer in
        let pointers = offsets.map {
            buffer.baseAddress.map { [offset = $0] base in base + offset }
        }
        return pointers.withUnsafeBufferPointer { pointers in
            lengths.withUnsafeBufferPointer { lengths in
                guard let pointers = pointers.baseAddress, let lengths = lengths.baseAddress else {
                    fatalError("no keys")
                }
                return body(pointers, lengths, keys.count)
            }
        }
    }
}

// MARK: What is measured

@inline(__always)
func fold(_ view: borrowing ItemView, _ sum: UInt64) throws -> UInt64 {
    var sum = sum
    try view.forEachRawValue { _, bytes in
        sum = bytes.withUnsafeBufferPointer { bare_fold(sum, $0.baseAddress, $0.count) }
    }
    return sum
}

@inline(__always)
func consume(_ task: CodexFlow.Task) -> UInt64 {
    var sum = task.id.rawValue.utf8.count + task.projectID.rawValue.utf8.count
    sum += task.title.utf8.count + (task.assigneeID?.rawValue.utf8.count ?? 0)
    sum += (task.number ?? 0) + (task.estimate ?? 0) + (task.kind == .feature ? 1 : 0)
    sum += (task.priority == .high ? 1 : 0) + (task.status == .done ? 1 : 0)
    sum += Int(task.createdAt?.timeIntervalSince1970 ?? 0)
    sum += Int(task.updatedAt?.timeIntervalSince1970 ?? 0) + task.labels.count
    return UInt64(sum)
}

struct Case {
    let name: String
    let goal: String
    let operations: Int
    let codex: () throws -> UInt64
    let limit: (() -> UInt64)?
}

let cases: [Case] = [
    Case(
        name: "view by key, one snapshot / mdb_get", goal: "<= 1.3", operations: sample.count,
        codex: {
            try store.read { snapshot in
                var sum: UInt64 = 0
                for lookup in lookups { sum = try snapshot.view(lookup) { try fold($0, sum) } ?? 0 }
                return sum
            }
        },
        limit: { withKeys(sample) { bare_gets(bare, $0, $1, $2) } }),
    Case(
        name: "typed task by key / renew + mdb_get + reset", goal: "<= 2", operations: sample.count,
        codex: {
            var sum: UInt64 = 0
            for lookup in lookups { if let task = try store.get(lookup) { sum &+= consume(task) } }
            return sum
        },
        limit: { withKeys(sample) { bare_renewed_gets(bare, $0, $1, $2) } }),
    Case(
        name: "typed query of 100 tasks, ns per task", goal: "<= 600 ns",
        operations: queries.count * 100,
        codex: {
            var sum: UInt64 = 0
            for query in queries {
                for task in try store.query(query, limit: 100).items { sum &+= consume(task) }
            }
            return sum
        }, limit: nil),
    Case(
        name: "views of 100 tasks / cursor walk", goal: "<= 1.5", operations: queries.count * 100,
        codex: {
            try store.read { snapshot in
                var sum: UInt64 = 0
                for query in queries {
                    var count = 0
                    try snapshot.forEach(query) { view in
                        sum = try fold(view, sum)
                        count += 1
                        return count < 100
                    }
                }
                return sum
            }
        },
        limit: { withKeys(walkKeys) { bare_walks(bare, $0, $1, $2, 100) } }),
]

// MARK: Measuring

func nanoseconds(_ operations: Int, _ body: () throws -> UInt64) rethrows -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    let sum = try body()
    let duration = (clock.now - start).components
    precondition(sum != 0, "nothing was read")
    return (Double(duration.seconds) * 1e9 + Double(duration.attoseconds) / 1e9)
        / Double(operations)
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

// What is read is what was written.
for (key, lookup) in zip(pairs, lookups).prefix(2000) {
    let task = try store.get(lookup)
    guard let task, task == (try makeTask(task.number ?? -1)), "TASK#\(task.id)" == key.1 else {
        fatalError("a task reads back differently")
    }
}

print("\(taskCount) tasks, \(rounds) rounds, medians, nanoseconds per operation")
for item in cases where only.map({ item.name.contains($0) }) ?? true {
    var (codex, limit): ([Double], [Double]) = ([], [])
    _ = try item.codex()
    for _ in 0..<rounds {
        codex.append(try nanoseconds(item.operations, item.codex))
        if let bare = item.limit { limit.append(nanoseconds(item.operations, bare)) }
    }
    let name = item.name.padding(toLength: 46, withPad: " ", startingAt: 0)
    if item.limit == nil {
        print(
            "\(name) \(String(format: "%8.0f", median(codex)))                     goal \(item.goal)"
        )
    } else {
        print(
            "\(name) "
                + String(
                    format: "%8.0f / %6.0f = %5.2f", median(codex), median(limit),
                    median(zip(codex, limit).map { $0 / $1 }))
                + "   goal \(item.goal)")
    }
}
bare_close(bare)
store.close()
