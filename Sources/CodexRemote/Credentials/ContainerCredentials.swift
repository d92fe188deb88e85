#if Remote
    internal import CodexCore
    internal import Foundation

    /// Credentials of a container, from the endpoint that `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`
    /// or `AWS_CONTAINER_CREDENTIALS_FULL_URI` names.
    public struct ContainerCredentials: CredentialsProvider {
        private let request: CredentialsRequest
        private let files: SharedFiles

        /// The hosts that may be asked without encryption: those of ECS and EKS on the machine.
        private static let hosts = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"]
        private static let source = "The endpoint of the container"

        /// Creates the source.
        ///
        /// - Parameters:
        ///   - transport: Sends the requests.
        ///   - environment: The variables; `nil` is those of the process.
        public init(transport: any HTTPTransport, environment: [String: String]? = nil) {
            self.init(
                CredentialsRequest(transport: transport, clock: SystemRemoteClock()),
                SharedFiles(environment: environment ?? ProcessInfo.processInfo.environment))
        }

        init(_ request: CredentialsRequest, _ files: SharedFiles) {
            (self.request, self.files) = (request, files)
        }

        /// The credentials; `nil` if neither variable is set.
        ///
        /// - Throws: ``CodexError/Code/credentialsUnavailable`` for an endpoint that may not be
        ///   asked, and if it gives no credentials.
        public func credentials() async throws -> AWSCredentials? {
            guard let url = try url() else { return nil }
            var headers: [(name: String, value: String)] = []
            if let token = try token() { headers.append((name: "Authorization", value: token)) }
            let response: TransportResponse
            do {
                response = try await request.send(url, headers: headers)
            } catch let failure as TransportFailure {
                throw CodexError.noCredentials(
                    "\(Self.source) does not answer. Look at the variable with its address.",
                    cause: failure)
            }
            return try CredentialsRequest.credentials(response, of: Self.source)
        }

        private func url() throws(CodexError) -> String? {
            if let path = files.environment.text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
                guard path.hasPrefix("/") else { throw Self.malformed }
                return "http://169.254.170.2\(path)"
            }
            guard let url = files.environment.text("AWS_CONTAINER_CREDENTIALS_FULL_URI") else {
                return nil
            }
            // The address ends where the path or the query begins.
            let start = url.range(of: "://")?.upperBound ?? url.startIndex
            let end = url[start...].firstIndex { "/?#".contains($0) } ?? url.endIndex
            guard let endpoint = try? ServiceEndpoint(parsing: String(url[..<end])) else {
                throw Self.malformed
            }
            guard endpoint.isSecure || Self.mayBePlain(endpoint.host) else {
                throw CodexError.noCredentials(
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI names a host that may not be asked without "
                        + "encryption. Write https://.")
            }
            return url
        }

        private static func mayBePlain(_ host: String) -> Bool {
            if hosts.contains(host) || host == "localhost" || host == "[::1]" { return true }
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
        }

        private static var malformed: CodexError {
            .noCredentials(
                "The variable with the address of the container's credentials has no address. A "
                    + "relative one begins with a slash, a full one with https:// or http://.")
        }

        /// The token of the requests; that of a file comes first.
        private func token() throws(CodexError) -> String? {
            var token = files.environment.text("AWS_CONTAINER_AUTHORIZATION_TOKEN")
            if let path = files.environment.text("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
                token = try files.text(at: path, of: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
            }
            guard let token else { return nil }
            guard token.isHeaderValue else {
                throw .noCredentials(
                    "The token for the container's credentials has a line break, or other bytes "
                        + "that a header cannot have. Correct it.")
            }
            return token
        }
    }

    extension SharedFiles {
        /// The text of a file that a variable names, without a line break at its end.
        fileprivate func text(at path: String, of variable: String) throws(CodexError) -> String {
            var bytes: [UInt8]
            do {
                bytes = try content(at: path) ?? []
            } catch {
                throw .noCredentials(
                    "The file that \(variable) names cannot be read.", cause: error)
            }
            while let last = bytes.last, last == 0x0A || last == 0x0D { bytes.removeLast() }
            guard !bytes.isEmpty, let text = String(validating: bytes, as: UTF8.self) else {
                throw .noCredentials("The file that \(variable) names has no token.")
            }
            return text
        }
    }

    extension ContainerCredentials: CustomReflectable {
        /// A mirror without children: the environment has secrets.
        public var customMirror: Mirror { Mirror(self, children: [:]) }
    }
#endif
