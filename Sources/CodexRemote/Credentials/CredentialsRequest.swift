#if Remote
    internal import CodexCore
    internal import FoundationEssentials

    /// Requests to the services on a machine that give credentials.
    struct CredentialsRequest: Sendable {
        let transport: any HTTPTransport
        let clock: any RemoteClock
        /// The time of one attempt.
        var timeout: Duration = .seconds(1)

        private static let attemptCountMax = 3
        private static let pause: Duration = .milliseconds(100)
        private static let byteCountMax = 64 << 10

        /// Sends a request, and again if it has no answer or one of the server's failures.
        ///
        /// - Throws: ``TransportFailure`` of the last attempt; `CancellationError`.
        func send(
            _ url: String, method: String = "GET", headers: [(name: String, value: String)] = []
        ) async throws -> TransportResponse {
            let request = TransportRequest(
                method: method, url: url, headers: headers, timeout: timeout,
                responseByteCountMax: Self.byteCountMax)
            var attempt = 1
            while true {
                do {
                    let response = try await transport.send(request)
                    if response.status < 500 || attempt == Self.attemptCountMax { return response }
                } catch let failure as TransportFailure {
                    if attempt == Self.attemptCountMax { throw failure }
                }
                try await clock.sleep(for: Self.pause * attempt)
                attempt += 1
            }
        }

        /// The credentials in the JSON of an answer.
        ///
        /// - Throws: ``CodexError/Code/credentialsUnavailable``; its message has nothing of the
        ///   answer.
        static func credentials(
            _ response: TransportResponse, of source: String
        ) throws(CodexError) -> AWSCredentials {
            guard response.status == 200 else {
                throw CodexError.noCredentials(
                    "\(source) answered with the status \(response.status) instead of credentials. "
                        + "Look at the role of the machine.")
            }
            guard let node = try? JSONNode.parse(response.body),
                let id = node["AccessKeyId"]?.text, let secret = node["SecretAccessKey"]?.text,
                let expiry = node["Expiration"]?.text, let expiration = Timestamp.date(expiry)
            else {
                throw CodexError.noCredentials(
                    "The answer of \(source) has no credentials. Look at the role of the machine.")
            }
            return AWSCredentials(
                accessKeyID: id, secretAccessKey: secret, sessionToken: node["Token"]?.text,
                expiration: expiration)
        }
    }
#endif
