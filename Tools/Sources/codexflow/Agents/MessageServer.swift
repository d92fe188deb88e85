import Codex

/// Answers the messages of a client of the Model Context Protocol, one after the other.
///
/// It serves two generations of the protocol at once. Since the revision 2026-07-28, each request
/// has its version in `_meta`, and there is no handshake. A request without it is of an earlier
/// revision, and comes after the handshake `initialize`. Tools are all that it offers.
struct MessageServer: Sendable {
    /// The revisions that it speaks, newest first.
    ///
    /// A client that chooses one with a handshake begins with `initialize`.
    static let versions = [modern] + legacyVersions
    /// The revision without a handshake.
    static let modern = "2026-07-28"
    /// The revisions with a handshake, newest first.
    static let legacyVersions = ["2025-11-25", "2025-06-18"]

    private let tools: AgentTools
    private let programVersion: String
    /// Whether a client of an earlier revision made the handshake.
    private var hasHandshake = false

    /// Creates the server of some tools.
    init(_ tools: AgentTools, programVersion: String) {
        self.tools = tools
        self.programVersion = programVersion
    }

    /// Answers a line of input.
    ///
    /// - Returns: The line to write, without a line feed; `nil` if the message is a notification,
    ///   or a response to a request that was never made.
    mutating func answer(_ line: MessageLines.Line) async -> String? {
        let request: Request
        switch Request.read(line) {
        case .request(let read): request = read
        case .failure(let failure, let id): return failure.text(id)
        case .unanswered: return nil
        }
        do {
            var message: AttributeMap = ["jsonrpc": "2.0", "id": request.id]
            message["result"] = .map(try await result(of: request))
            return DynamoDBJSON.plainText(message)
        } catch let failure as ProtocolFailure {
            return failure.text(request.id)
        } catch {
            return ProtocolFailure(.internalError, "The request failed.").text(request.id)
        }
    }

    private mutating func result(of request: Request) async throws -> AttributeMap {
        switch request.parameters["_meta"] {
        case nil: return try await legacyResult(of: request)
        case .map(let meta)?:
            guard let version = meta[Self.versionKey] else {
                return try await legacyResult(of: request)
            }
            return try await modernResult(of: request, version, meta)
        default: throw ProtocolFailure(.invalidParameters, "_meta is an object.")
        }
    }

    // MARK: The revision without a handshake

    private static let versionKey = "io.modelcontextprotocol/protocolVersion"
    private static let capabilitiesKey = "io.modelcontextprotocol/clientCapabilities"
    private static let serverKey = "io.modelcontextprotocol/serverInfo"
    /// The time for which a client may keep the list of tools, in milliseconds: an hour.
    private static let listMilliseconds = 3_600_000

    private func modernResult(
        of request: Request, _ version: AttributeValue, _ meta: AttributeMap
    ) async throws -> AttributeMap {
        guard let version = version.string else {
            throw ProtocolFailure(.invalidParameters, "The protocol version is a string.")
        }
        guard version == Self.modern else { throw ProtocolFailure(unsupported: version) }
        guard meta[Self.capabilitiesKey]?.map != nil else {
            throw ProtocolFailure(
                .invalidParameters, "_meta has the client's capabilities, an object.")
        }
        var result: AttributeMap
        switch request.method {
        case "server/discover":
            result = [
                "supportedVersions": Self.versions.attributeValue,
                "capabilities": capabilities, "instructions": .string(AgentTools.instructions),
            ]
            result = Self.cacheable(result)
        case "tools/list": result = Self.cacheable(try list(request.parameters))
        case "tools/call": result = try await call(request.parameters)
        default: throw ProtocolFailure.unknownMethod
        }
        result["resultType"] = "complete"
        result["_meta"] = .map([Self.serverKey: serverInformation])
        return result
    }

    private static func cacheable(_ result: AttributeMap) -> AttributeMap {
        var result = result
        result["ttlMs"] = listMilliseconds.attributeValue
        result["cacheScope"] = "public"
        return result
    }

    // MARK: Earlier revisions

    /// Answers `initialize`: with the version that was asked for, or the newest with a handshake.
    private mutating func handshake(_ parameters: AttributeMap) throws -> AttributeMap {
        guard let version = parameters["protocolVersion"]?.string else {
            throw ProtocolFailure(.invalidParameters, "initialize has a protocolVersion.")
        }
        hasHandshake = true
        let known = Self.legacyVersions.first { $0 == version } ?? Self.legacyVersions[0]
        return [
            "protocolVersion": .string(known), "capabilities": capabilities,
            "serverInfo": serverInformation, "instructions": .string(AgentTools.instructions),
        ]
    }

    private mutating func legacyResult(of request: Request) async throws -> AttributeMap {
        if request.method == "initialize" { return try handshake(request.parameters) }
        // A ping may come before the handshake.
        if request.method == "ping" { return [:] }
        guard hasHandshake else {
            throw ProtocolFailure(
                .invalidParameters,
                "Send initialize first, or the protocol version in _meta. Supported versions: "
                    + Self.versions.joined(separator: ", ") + ".")
        }
        switch request.method {
        case "tools/list": return try list(request.parameters)
        case "tools/call": return try await call(request.parameters)
        default: throw ProtocolFailure.unknownMethod
        }
    }

    // MARK: Tools

    private var capabilities: AttributeValue { ["tools": [:]] }

    private var serverInformation: AttributeValue {
        ["name": "codexflow", "version": .string(programVersion)]
    }

    private func list(_ parameters: AttributeMap) throws -> AttributeMap {
        guard parameters["cursor"] == nil else {
            throw ProtocolFailure(.invalidParameters, "The list has one page, and no cursors.")
        }
        return ["tools": tools.list]
    }

    private func call(_ parameters: AttributeMap) async throws -> AttributeMap {
        guard let name = parameters["name"]?.string, let tool = tools.tool(named: name) else {
            throw ProtocolFailure(.invalidParameters, "There is no such tool. tools/list has all.")
        }
        let arguments: AttributeMap
        switch parameters["arguments"] {
        case nil, .null?: arguments = [:]
        case .map(let given)?: arguments = given
        default: throw ProtocolFailure(.invalidParameters, "Arguments are an object.")
        }
        do {
            return Self.content(try await tools.call(tool, arguments).json, isError: false)
        } catch let error as CodexError {
            return Self.content(["error": .map(error.agentJSON)], isError: true)
        }
    }

    /// The result of a call: the same JSON as an object and as text, which earlier clients read.
    private static func content(_ json: AttributeMap, isError: Bool) -> AttributeMap {
        [
            "content": [["type": "text", "text": .string(DynamoDBJSON.plainText(json))]],
            "structuredContent": .map(json), "isError": .bool(isError),
        ]
    }
}

// MARK: JSON-RPC

/// A request of a client.
private struct Request: Sendable {
    let id: AttributeValue
    let method: String
    let parameters: AttributeMap

    /// A line of input, as far as it must be answered.
    enum Reading {
        case request(Request)
        case failure(ProtocolFailure, id: AttributeValue)
        /// A notification, or a response.
        case unanswered
    }

    static func read(_ line: MessageLines.Line) -> Reading {
        guard case .message(let bytes) = line else {
            let text = "A message has at most \(MessageLines.byteCountMax) bytes."
            return .failure(ProtocolFailure(.invalidRequest, text), id: .null)
        }
        guard let value = try? PlainJSON.value(bytes) else {
            return .failure(ProtocolFailure(.parseError, "A message is one JSON text."), id: .null)
        }
        guard let message = value.map else {
            return .failure(
                ProtocolFailure(.invalidRequest, "A message is one object."), id: .null)
        }
        return read(message)
    }

    private static func read(_ message: AttributeMap) -> Reading {
        let isResponse = message["result"] != nil || message["error"] != nil
        if message["method"] == nil, isResponse { return .unanswered }
        let id = message["id"].flatMap { isIdentifier($0) ? $0 : nil }
        guard message["jsonrpc"]?.string == "2.0", let method = message["method"]?.string,
            message["id"] == nil || id != nil
        else {
            let text = "A request has jsonrpc \"2.0\", a method, and an id: a string or an integer."
            return .failure(ProtocolFailure(.invalidRequest, text), id: id ?? .null)
        }
        guard let id else { return .unanswered }
        switch message["params"] {
        case nil: return .request(Request(id: id, method: method, parameters: [:]))
        case .map(let parameters)?:
            return .request(Request(id: id, method: method, parameters: parameters))
        default:
            return .failure(
                ProtocolFailure(.invalidParameters, "Parameters are an object."), id: id)
        }
    }

    private static func isIdentifier(_ value: AttributeValue) -> Bool {
        switch value {
        case .string: true
        case .number(let number): number.int64 != nil
        default: false
        }
    }
}

/// An error of the protocol.
private struct ProtocolFailure: Error {
    /// The codes of JSON-RPC 2.0, and the one of the Model Context Protocol that can occur.
    enum Code: Int {
        case parseError = -32700
        case invalidRequest = -32600
        case unknownMethod = -32601
        case invalidParameters = -32602
        case internalError = -32603
        case unsupportedVersion = -32022
    }

    private let code: Code
    private let message: String
    private var data: AttributeValue?

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The error of a version that the server does not speak.
    init(unsupported version: String) {
        self.init(.unsupportedVersion, "Unsupported protocol version")
        // The versions are short. The beginning of a hostile one is enough.
        data = [
            "supported": MessageServer.versions.attributeValue,
            "requested": .string(String(version.prefix(64))),
        ]
    }

    static var unknownMethod: Self { Self(.unknownMethod, "The server has no such method.") }

    /// The line of the error.
    ///
    /// - Parameter id: The identifier of the request; null if it could not be read.
    /// - Returns: The line without a line feed.
    func text(_ id: AttributeValue) -> String {
        var error: AttributeMap = [
            "code": code.rawValue.attributeValue, "message": .string(message),
        ]
        error["data"] = data
        return DynamoDBJSON.plainText(["jsonrpc": "2.0", "id": id, "error": .map(error)])
    }
}
