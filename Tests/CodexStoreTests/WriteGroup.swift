import CodexCore
import Dispatch
import Synchronization

@testable import CodexStore

/// Writes that form one group, since all of them wait before the first one runs.
final class WriteGroup: Sendable {
    typealias Body = @Sendable (inout WriteTransaction) throws -> Void

    private let answers = Mutex<[String]>([])
    private let answered = DispatchSemaphore(value: 0)

    /// The number of answers so far.
    var answerCount: Int { answers.withLock { $0.count } }

    /// Runs bodies as one group, after a write that holds the writer until all of them wait.
    ///
    /// - Parameters:
    ///   - bodies: The bodies with their names, in the order of the queue.
    ///   - store: The store.
    ///   - begins: Called once all bodies wait.
    /// - Returns: The name of each body with the code of its error, or "done"; sorted.
    /// - Throws: The reason why the queue does not accept the writes.
    func run(
        _ bodies: KeyValuePairs<String, Body>, in store: Store, begins: () -> Void = {}
    ) throws -> [String] {
        let writer = try store.requireWriter()
        let (entered, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        try writer.add(
            job("waiting") { _ in
                entered.signal()
                release.wait()
            })
        entered.wait()
        for (name, body) in bodies { try writer.add(job(name, body)) }
        begins()
        release.signal()
        for _ in 0...bodies.count { answered.wait() }
        return answers.withLock { $0.sorted() }
    }

    private func job(_ name: String, _ body: @escaping Body) -> WriteJob {
        ClosureJob<Void>(body) { [self] result in
            let answer =
                switch result {
                case .success: "done"
                case .failure(let error as CodexError): error.code.description
                case .failure(let error): "\(type(of: error))"
                }
            answers.withLock { $0.append("\(name): \(answer)") }
            answered.signal()
        }
    }
}
