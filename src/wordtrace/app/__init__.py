"""The app, its server and the MCP server: an opened index asked by a browser or a program."""
