# SPDX-License-Identifier: ISC
# Every text of two words or more in C sources, in their order: the parts of a
# literal joined, comments and #include left out, \n and \" as they are shown.
#
#	awk -f tests/tools/messages.awk *.c
function flush_text() {
	if (text ~ /[A-Za-z%,.;:)"] [A-Za-z%("]/ && text ~ /[a-z][a-z]/) {
		if (!named) {
			print (seen++ ? "\n" : "") FILENAME
			named = 1
		}
		print "  " text
	}
	text = ""
	have = 0
}
FNR == 1 {
	if (have) flush_text()
	named = comment = 0
}
/^[ \t]*#[ \t]*include/ { next }
{
	n = length($0)
	for (i = 1; i <= n; i++) {
		c = substr($0, i, 1)
		two = substr($0, i, 2)
		if (comment) {
			if (two == "*/") { comment = 0; i++ }
		} else if (two == "/*") {
			comment = 1
			i++
		} else if (c == "'") {
			i += substr($0, i + 1, 1) == "\\" ? 3 : 2
			if (have) flush_text()
		} else if (c == "\"") {
			have = 1
			for (i++; i <= n && (c = substr($0, i, 1)) != "\""; i++) {
				if (c == "\\" && substr($0, i + 1, 1) == "\"") {
					c = "\""
					i++
				} else if (c == "\\") {
					i++
					c = c substr($0, i, 1)
				}
				text = text c
			}
		} else if (have && c !~ /[ \t\\]/)
			flush_text()
	}
}
END { if (have) flush_text() }
