import Codex
import CodexRemote
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// The task service over a store or a remote table.
public enum TaskApplication {
    /// Builds the application; it does not close the data.
    ///
    /// - Parameters:
    ///   - data: Where the data is.
    ///   - configuration: The configuration.
    ///   - logger: The logger.
    ///   - onServerRunning: A closure that runs once the service listens.
    /// - Returns: The application.
    /// - Throws: The errors of opening a cache and a limiter, and of a table that lacks what the
    ///   workspace needs.
    public static func make(
        _ data: TaskData, _ configuration: Configuration,
        logger: Logger = Logger(label: "task-service"),
        onServerRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) throws -> some ApplicationProtocol {
        let parts = try ApplicationParts(data, configuration, logger)
        let workspace = parts.workspace

        let router = Router(context: RequestState.self)
        router.add(
            middleware: CORSMiddleware(
                allowOrigin: .all, allowHeaders: [.authorization, .contentType],
                allowMethods: [.get, .post, .patch, .delete]))
        router.add(middleware: ErrorMiddleware())
        router.add(middleware: DeadlineMiddleware(timeout: configuration.answerTimeout))
        router.get("health") { _, context in Envelope.response(parts.health, context) }
        let guarded = router.group()
            .add(middleware: SessionMiddleware(workspace: workspace))
            .add(middleware: RateLimitMiddleware(counter: parts.counter))
        TaskRoutes(workspace: workspace, configuration: configuration).add(to: guarded)
        ProjectRoutes(workspace: workspace, isRemote: data.isRemote, configuration: configuration)
            .add(to: guarded)

        let (idle, body) = (
            TimeAmount(configuration.idleTimeout), TimeAmount(configuration.bodyTimeout)
        )
        return Application(
            router: router,
            server: .http1(
                configuration: .init(
                    // It ends later than the answer that reports the timeout.
                    additionalChannelHandlers: [
                        RequestDeadline(head: idle, body: body + idle)
                    ], idleTimeout: idle)),
            configuration: .init(
                address: .hostname(configuration.host, port: configuration.port),
                availableConnectionsDelegate: MaximumAvailableConnections(
                    configuration.connectionCountMax)),
            services: parts.services,
            onServerRunning: onServerRunning, logger: logger)
    }
}

/// What the application uses of its data.
private struct ApplicationParts: Sendable {
    let workspace: CodexFlow.Workspace
    let counter: any RequestCounter
    /// What runs beside the requests.
    let services: [any Service]
    /// The cache of a store; a remote table has none.
    private let cache: StoreCache?

    init(_ data: TaskData, _ configuration: Configuration, _ logger: Logger) throws {
        switch data {
        case .store(let store):
            // The times of the architecture document, and times for the other entities that
            // requests read.
            var policy = CachePolicy.codexFlow
            policy.timeToLive[CodexFlow.Task.definition.name] = .seconds(300)
            policy.timeToLive[CodexFlow.Member.definition.name] = .seconds(900)
            let cache = try StoreCache(store, policy: policy)
            let limiter = try RateLimiter(
                store, name: "requests", limit: configuration.requestsPerMinute)
            self.cache = cache
            workspace = CodexFlow.Workspace(store, cache: cache)
            counter = limiter
            services = [
                Background(name: "notifications", logger: logger) {
                    try await Notifications(logger: logger).run(on: store)
                } startOver: {
                    // Missed changes cannot be delivered any more.
                    try await store.resetConsumer(Notifications.name, to: .latest)
                },
                Background(name: "analytics", logger: logger) {
                    try await store.runAnalytics()
                } startOver: {
                    try await store.rebuildAnalytics()
                },
                PermitReturn(limiter: limiter),
            ]
        case .table(let table):
            cache = nil
            workspace = try data.workspace()
            counter = RemoteRequestCounter(table: table, limit: configuration.requestsPerMinute)
            let labels = try LabelLists(table, logger: logger)
            services = [
                Background(name: "notifications", logger: logger) {
                    try await Notifications(logger: logger).run(on: table)
                } startOver: {
                    try await Notifications(logger: logger).consumer(of: table).remove()
                },
                Background(name: LabelLists.name, logger: logger) {
                    try await labels.run()
                } startOver: {
                    try await labels.startOver()
                },
            ]
        }
    }

    /// The data of the answer to `GET /health`.
    var health: AttributeValue {
        guard let cache else { return .map([:]) }
        let rate = (cache.statistics.hitRate * 1000).rounded() / 1000
        return ["cacheHitRate": .number((try? Number(rate)) ?? 0)]
    }
}

/// Returns permits that were acquired in advance, once no requests arrive any more.
private struct PermitReturn: Service {
    let limiter: RateLimiter

    func run() async throws {
        try? await gracefulShutdown()
        try await limiter.releaseUnused()
    }
}

/// A consumer that continues while the application runs, also after errors.
///
/// After an error (a full disk, for example), it tries again later. Requests that only read are not
/// affected.
private struct Background: Service {
    let name: String
    let logger: Logger
    let body: @Sendable () async throws -> Void
    /// What the consumer does after changes that it did not see were trimmed.
    let startOver: @Sendable () async throws -> Void

    func run() async throws {
        var delay = Duration.seconds(1)
        while !Task.isCancelled {
            do {
                try await cancelWhenGracefulShutdown {
                    do {
                        try await body()
                    } catch CodexError.Code.changesTrimmed {
                        logger.error("starts over", metadata: ["consumer": "\(name)"])
                        try await startOver()
                    }
                }
            } catch is CancellationError {
                return
            } catch CodexError.Code.closed {
                return
            } catch CodexError.Code.cancelled {
                // A request of a remote table was cancelled.
                return
            } catch {
                logger.error("stopped", metadata: ["consumer": "\(name)", "error": "\(error)"])
                try? await cancelWhenGracefulShutdown { [delay] in try await Task.sleep(for: delay)
                }
                delay = min(delay * 2, .seconds(60))
            }
        }
    }
}
