# fish completion for wdsock and its links

set -l modes windev windev,count=chars windev,count=utf16 windev,tail=NUL \
	end-tag end-tag=CRLF end-tag=LF end-tag=NUL end-tag-buffer raw \
	fixed-header fixed-header=64 until-close lines netstring u8 u16be \
	u16le u32be u32le
set -l inputs lines null whole raw json escaped hex
set -l outputs lines null raw json escaped hex none
set -l sizes 64K 1M 16M 256M 1G
set -l none 'not __fish_seen_subcommand_from encode decode help'

complete -c wdsock -n $none -f
complete -c wdsock -n $none -a encode -d 'put messages into frames'
complete -c wdsock -n $none -a decode -d 'take messages out of frames'
complete -c wdsock -n $none -a help -d 'say how to use it'
complete -c wdsock -n $none -l version -d 'the version, and what is built in'
complete -c wdsock -s h -l help -d 'print the options'
complete -c wdsock -n '__fish_seen_subcommand_from help' -f \
	-a 'encode decode help modes exit'

# The options of a command stand at "wdsock COMMAND" and at "wdsock-COMMAND".
for cmd in encode decode
	for at in "-c wdsock -n '__fish_seen_subcommand_from $cmd'" \
			"-c wdsock-$cmd"
		set -l more
		test $cmd = decode; and set more auto
		eval complete $at -s m -l mode -x -a "'$modes $more'" \
			-d "'the transmission mode'"
		eval complete $at -l max-message -x -a "'$sizes'" \
			-d "'refuse longer messages'"
		eval complete $at -s 0 -l null -d "'messages end with NUL'"
		eval complete $at -s j -l json -d "'messages are JSON lines'"
		eval complete $at -s h -l help -d "'print the options'"
	end
end
for at in "-c wdsock -n '__fish_seen_subcommand_from encode'" "-c wdsock-encode"
	eval complete $at -l input -x -a "'$inputs'" \
		-d "'how messages stand in the input'"
	eval complete $at -l crlf -d "'a CR before LF is not part of a line'"
	eval complete $at -l send -x -d "'a message'"
end
for at in "-c wdsock -n '__fish_seen_subcommand_from decode'" "-c wdsock-decode"
	eval complete $at -l output -x -a "'$outputs'" \
		-d "'how messages are written'"
end
