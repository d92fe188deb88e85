#if Remote
    internal import CodexCore
    internal import Foundation

    /// Credentials of the role of an EC2 instance, from its metadata service in version 2.
    public struct InstanceCredentials: CredentialsProvider {
        private let request: CredentialsRequest
        private let environment: [String: String]

        private static let source = "The metadata service of the instance"
        private static let path = "latest/meta-data/iam/security-credentials/"
        private static let tokenHeader = "x-aws-ec2-metadata-token"
        private static let lifetimeHeader = "x-aws-ec2-metadata-token-ttl-seconds"

        /// Creates the source.
        ///
        /// - Parameters:
        ///   - transport: Sends the requests.
        ///   - environment: The variables; `nil` is those of the process.
        public init(transport: any HTTPTransport, environment: [String: String]? = nil) {
            self.init(
                CredentialsRequest(transport: transport, clock: SystemRemoteClock()),
                environment ?? ProcessInfo.processInfo.environment)
        }

        init(_ request: CredentialsRequest, _ environment: [String: String]) {
            (self.request, self.environment) = (request, environment)
        }

        /// The credentials; `nil` if the machine has no metadata service or no role, or if
        /// `AWS_EC2_METADATA_DISABLED` is `true`.
        ///
        /// - Throws: ``CodexError/Code/credentialsUnavailable`` if the service answers with
        ///   anything else.
        public func credentials() async throws -> AWSCredentials? {
            if environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() == "true" { return nil }
            let root = try root()
            let token: TransportResponse
            do {
                token = try await request.send(
                    root + "latest/api/token", method: "PUT",
                    headers: [(name: Self.lifetimeHeader, value: "21600")])
            } catch is TransportFailure {
                // There is no such service on most machines.
                return nil
            }
            if token.status == 404 || token.status == 403 || token.status == 405 { return nil }
            let secret = try Self.text(token)
            let headers = [(name: Self.tokenHeader, value: secret)]
            do {
                let names = try await request.send(root + Self.path, headers: headers)
                if names.status == 404 { return nil }
                let role = try Self.text(names).prefix { !$0.isNewline }
                let response = try await request.send(
                    "\(root)\(Self.path)\(role)", headers: headers)
                return try CredentialsRequest.credentials(response, of: Self.source)
            } catch let failure as TransportFailure {
                throw CodexError.noCredentials(
                    "\(Self.source) stopped answering. Try again.", cause: failure)
            }
        }

        private func root() throws(CodexError) -> String {
            if let endpoint = environment.text("AWS_EC2_METADATA_SERVICE_ENDPOINT") {
                return try ServiceEndpoint(parsing: endpoint).url
            }
            return environment["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"]?.lowercased() == "ipv6"
                ? "http://[fd00:ec2::254]/" : "http://169.254.169.254/"
        }

        /// The text of an answer: visible ASCII, since it becomes a part of a header or of an
        /// address.
        private static func text(_ response: TransportResponse) throws(CodexError) -> String {
            let text = String(decoding: response.body, as: UTF8.self)
            let isPlain = text.utf8.allSatisfy {
                (0x21...0x7E).contains($0) || $0 == 0x0A || $0 == 0x0D
            }
            guard response.status == 200, !text.isEmpty, isPlain else {
                throw .noCredentials(
                    "\(source) answered with the status \(response.status) and without the text "
                        + "that was asked for. Look at the role of the machine.")
            }
            return text
        }
    }

    extension InstanceCredentials: CustomReflectable {
        /// A mirror without children: the environment has secrets.
        public var customMirror: Mirror { Mirror(self, children: [:]) }
    }
#endif
