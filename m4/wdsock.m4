# Flags that are used where the compiler has them.

# WD_CFLAG(VARIABLE, FLAG): appends FLAG to VARIABLE if it compiles and links
# without a word. Unknown warnings are only warned about by some compilers, so
# a warning is an error here.
AC_DEFUN([WD_CFLAG], [
	AS_VAR_PUSHDEF([seen], [wd_cv_cflag_$2])
	AC_CACHE_CHECK([whether $CC takes $2], [seen], [
		wd_save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror $2"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([seen], [yes])],
			[AS_VAR_SET([seen], [no])])
		CFLAGS=$wd_save_CFLAGS
	])
	AS_VAR_IF([seen], [yes], [AS_VAR_APPEND([$1], [" $2"])])
	AS_VAR_POPDEF([seen])
])

# WD_LDFLAG(VARIABLE, FLAG): the same for the linker.
AC_DEFUN([WD_LDFLAG], [
	AS_VAR_PUSHDEF([seen], [wd_cv_ldflag_$2])
	AC_CACHE_CHECK([whether the linker takes $2], [seen], [
		wd_save_LDFLAGS=$LDFLAGS
		wd_save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -fPIE -Werror"
		LDFLAGS="$LDFLAGS $2"
		AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
			[AS_VAR_SET([seen], [yes])],
			[AS_VAR_SET([seen], [no])])
		LDFLAGS=$wd_save_LDFLAGS
		CFLAGS=$wd_save_CFLAGS
	])
	AS_VAR_IF([seen], [yes], [AS_VAR_APPEND([$1], [" $2"])])
	AS_VAR_POPDEF([seen])
])

# WD_FORTIFY(VARIABLE): the highest level that compiles with the user's
# CFLAGS; none without optimisation, where the headers only warn.
AC_DEFUN([WD_FORTIFY], [
	AC_CACHE_CHECK([for the level of _FORTIFY_SOURCE], [wd_cv_fortify], [
		wd_cv_fortify=none
		wd_save_CFLAGS=$CFLAGS
		for wd_level in 3 2; do
			CFLAGS="$wd_save_CFLAGS -Werror -U_FORTIFY_SOURCE"
			CFLAGS="$CFLAGS -D_FORTIFY_SOURCE=$wd_level"
			AC_COMPILE_IFELSE([AC_LANG_PROGRAM(
				[[#include <string.h>]], [])],
				[wd_cv_fortify=$wd_level; break])
		done
		CFLAGS=$wd_save_CFLAGS
	])
	AS_IF([test "x$wd_cv_fortify" != xnone],
		[$1="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$wd_cv_fortify"])
])
