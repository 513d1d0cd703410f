# A chat: what one says all others read; "/nick NAME" gives a name.
{
	chan = $1
	text = substr($0, length(chan) + 2)
	name = (chan in nick) ? nick[chan] : chan
	if (text ~ /^\/nick [a-z]+$/)
		text = "is now " (nick[chan] = substr(text, 7))
	printf "-%s\t%s: %s\n", chan, name, text
	fflush()
}
