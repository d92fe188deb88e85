/// How the service is set up.
public struct Configuration: Sendable {
    /// The address to listen on.
    public var host = "127.0.0.1"
    /// The port; 0 takes a free one.
    public var port = 8080
    /// Most requests of a user in a minute.
    public var requestsPerMinute = 600
    /// Most bytes of a request's body.
    public var bodyByteCountMax = 1 << 20
    /// How long a request's body may take to arrive.
    public var bodyTimeout: Duration = .seconds(10)
    /// After what time without a byte a connection is closed.
    public var idleTimeout: Duration = .seconds(30)
    /// Most connections at once; others wait to be accepted.
    public var connectionCountMax = 1024

    /// Creates a configuration.
    public init() {}
}
