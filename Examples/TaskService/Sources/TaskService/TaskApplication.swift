import Codex
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// The task service over a store.
public enum TaskApplication {
    /// Builds the application; it does not close the store.
    ///
    /// - Parameters:
    ///   - store: The store with the data.
    ///   - configuration: The configuration.
    ///   - logger: The logger.
    ///   - onServerRunning: A closure that runs once the service listens.
    /// - Returns: The application.
    /// - Throws: The errors of opening a cache and a limiter.
    public static func make(
        _ store: Store, _ configuration: Configuration,
        logger: Logger = Logger(label: "task-service"),
        onServerRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) throws -> some ApplicationProtocol {
        // The times of the architecture document, and times for the other entities that requests
        // read.
        var policy = CachePolicy.codexFlow
        policy.timeToLive[CodexFlow.Task.definition.name] = .seconds(300)
        policy.timeToLive[CodexFlow.Member.definition.name] = .seconds(900)
        let cache = try StoreCache(store, policy: policy)
        let workspace = CodexFlow.Workspace(store, cache: cache)
        let limiter = try RateLimiter(
            store, name: "requests", limit: configuration.requestsPerMinute)

        let router = Router(context: RequestState.self)
        router.add(
            middleware: CORSMiddleware(
                allowOrigin: .all, allowHeaders: [.authorization, .contentType],
                allowMethods: [.get, .post, .patch, .delete]))
        router.add(middleware: ErrorMiddleware())
        router.get("health") { _, context in
            Envelope.response(["cacheHitRate": hitRate(cache)], context)
        }
        let guarded = router.group()
            .add(middleware: SessionMiddleware(workspace: workspace))
            .add(middleware: RateLimitMiddleware(limiter: limiter))
        TaskRoutes(workspace: workspace, cache: cache, configuration: configuration).add(
            to: guarded)
        ProjectRoutes(workspace: workspace, cache: cache, configuration: configuration)
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
            services: [
                Background(name: "notifications", logger: logger) {
                    try await notify(store, logger)
                } startOver: {
                    // Missed changes cannot be delivered any more.
                    try await store.resetConsumer("notifications", to: .latest)
                },
                Background(name: "analytics", logger: logger) {
                    try await store.runAnalytics()
                } startOver: {
                    try await store.rebuildAnalytics()
                },
                PermitReturn(limiter: limiter),
            ],
            onServerRunning: onServerRunning, logger: logger)
    }

    private static func hitRate(_ cache: StoreCache) -> AttributeValue {
        .number((try? Number((cache.statistics.hitRate * 1000).rounded() / 1000)) ?? 0)
    }

    /// Logs assigned and completed tasks, where a real program would send mail.
    private static func notify(_ store: Store, _ logger: Logger) async throws {
        try await store.addSubscription("notifications")
        try await store.deliverEvents(
            to: "notifications", matching: .kinds(.taskAssigned, .taskCompleted)
        ) { event in
            logger.notice(
                "event",
                metadata: [
                    "type": "\(event.kind.rawValue)", "task": "\(event.taskID?.rawValue ?? "")",
                ])
        }
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
            } catch {
                logger.error("stopped", metadata: ["consumer": "\(name)", "error": "\(error)"])
                try? await cancelWhenGracefulShutdown { [delay] in try await Task.sleep(for: delay)
                }
                delay = min(delay * 2, .seconds(60))
            }
        }
    }
}
