# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Writes /etc/wsl.conf of a distribution, and stops it, so that it is read at the next start. JSON in: program (wsl.exe), distribution, text.
# JSON out: changed.
[CmdletBinding(SupportsShouldProcess)]
param (
    [Parameter(Mandatory)] [string] $Wanted
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$env:WSL_UTF8 = '1'
$wish = $Wanted | ConvertFrom-Json

function Invoke-Native {
    # Windows PowerShell makes an error of each line that a program writes to its standard error, a warning of wsl.exe as well, and would end here
    # (PowerShell/PowerShell issue 3996). Whether a program has failed says how it ended.
    param ([scriptblock] $Call)
    $ErrorActionPreference = 'Continue'
    & $Call
}

$there = (@(Invoke-Native { & $wish.program --distribution $wish.distribution --user root --exec cat /etc/wsl.conf }) -join "`n").TrimEnd()
$changed = $there -cne ([string] $wish.text).Replace("`r`n", "`n").TrimEnd()
if ($changed -and $PSCmdlet.ShouldProcess($wish.distribution, 'Write /etc/wsl.conf')) {
    # Base64 has nothing that one of the shells on the way could take for its own.
    $encoded = [System.Convert]::ToBase64String([System.Text.Encoding]::UTF8.GetBytes([string] $wish.text))
    $null = Invoke-Native { & $wish.program --distribution $wish.distribution --user root --exec sh -c 'printf %s $1 | base64 --decode > /etc/wsl.conf' sh $encoded }
    if ($LASTEXITCODE -ne 0) { throw "/etc/wsl.conf of $($wish.distribution) could not be written (wsl.exe ended with $LASTEXITCODE)." }
    $null = Invoke-Native { & $wish.program --terminate $wish.distribution }
}
ConvertTo-Json -Compress -InputObject @{ changed = $changed }
