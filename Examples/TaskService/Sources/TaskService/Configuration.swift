/// The configuration of the service.
public struct Configuration: Sendable {
    /// The address to listen on.
    public var host = "127.0.0.1"
    /// The port; 0 takes a free one.
    public var port = 8080
    /// The maximum number of requests of a user in a minute.
    public var requestsPerMinute = 600
    /// The maximum size of a request's body, in bytes.
    public var bodyByteCountMax = 1 << 20
    /// The time in which a request's body must arrive.
    public var bodyTimeout: Duration = .seconds(10)
    /// The time after which a request asks a remote table for nothing more, and fails; it includes
    /// the time in which the body arrives.
    public var answerTimeout: Duration = .seconds(15)
    /// The time without a byte after which a connection is closed.
    public var idleTimeout: Duration = .seconds(30)
    /// The maximum number of connections at once; others wait until the service accepts them.
    public var connectionCountMax = 1024

    /// Creates a configuration.
    public init() {}
}
