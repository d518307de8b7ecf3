// The whole Bluesky network on this machine: directory, server (PDS) and AppView. Ends when its input does.
const { TestNetwork } = require('@atproto/dev-env')

TestNetwork.create({ dbPostgresSchema: 'real', pds: { hostname: 'localhost' } }).then((network) => {
  console.log(JSON.stringify({ pds: network.pds.url }))
  process.stdin.on('end', () => process.exit(0)).resume()
}, (error) => {
  console.error(error)
  process.exit(1)
})
