import Codex
import CodexDynamoDB
import CodexRemote
import CodexTesting
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization
import TaskService

/// DynamoDB's API at an address of this machine, over a store of its own, as `codexflow serve
/// --ephemeral` has it.
final class DynamoDBServer: Sendable {
    static let credentials = StaticCredentials(accessKeyID: "KEY", secretAccessKey: "SECRET")

    let endpoint: String
    private let lost: LostAnswers
    private let temporary: TemporaryStore
    private let running: Task<Void, any Error>

    /// Starts a server, and creates CodexFlow's table in it.
    init() async throws {
        let temporary = try TemporaryStore(schema: Schema(tables: []))
        let service = DynamoDBService(temporary.store)
        let lost = LostAnswers()
        let router = Router()
        router.post { request, _ -> Response in
            let target = HTTPField.Name("X-Amz-Target").flatMap { request.headers[$0] }
            let body = try await request.body.collect(upTo: 16 << 20)
            let answer = await service.response(target: target, body: Array(body.readableBytesView))
            return Response(
                status: lost.includes(target) ? .badGateway : .init(code: answer.status),
                headers: [.contentType: "application/x-amz-json-1.0"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
        }
        var logger = Logger(label: "dynamodb")
        logger.logLevel = .error
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { continuation.yield($0.localAddress?.port ?? 0) }, logger: logger)
        let running = Task {
            defer { continuation.finish() }
            try await application.run()
        }
        guard let port = await ports.first(where: { _ in true }) else {
            throw CodexError(.unavailable, "The server of the test does not listen.")
        }
        (self.temporary, self.lost, self.running) = (temporary, lost, running)
        endpoint = "http://127.0.0.1:\(port)"
        try await TaskData.createTable(at: endpoint, credentials: Self.credentials)
    }

    deinit { running.cancel() }

    /// Connects to the table.
    func connect() async throws -> TaskData {
        try await TaskData.connect(to: endpoint, credentials: Self.credentials)
    }

    /// Performs the requests of operations from now on, and loses their answers.
    func loseAnswers(to operations: Set<String>) {
        lost.operations.withLock { $0 = operations }
    }
}

/// The operations whose answers do not arrive, as if a proxy lost them.
private final class LostAnswers: Sendable {
    let operations = Mutex<Set<String>>([])

    /// Whether a request with a target such as `DynamoDB_20120810.GetItem` is one of them.
    func includes(_ target: String?) -> Bool {
        guard let name = target?.split(separator: ".").last else { return false }
        return operations.withLock { $0.contains(String(name)) }
    }
}
